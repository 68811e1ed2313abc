//! Counters that count for nobody, and are read of somebody.
//!
//! A counter of events whose correlation nobody says keeps one number, of nobody. Where it is read
//! at a moment that is somebody's, it is as it was at first, and what reads it holds whatever
//! happens. That is seen from the file alone, for conditions that say which schema they are about.

use crate::correlation::Correlation;
use crate::file::File;
use crate::moments::Moment;
use crate::properties::{Counter, Rule};
use crate::rules::Rules;
use crate::trouble::Troubles;
use sim_air::{Air, ReducerId};

/// Whose the moments are at which something is judged or counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whose {
    Nobody,
    Somebody,
    /// Some may be somebody's.
    Unknown,
}

/// Finds them.
pub(crate) fn check<'a>(
    file: &'a File,
    (air, correlation): (&'a Air, &Correlation),
    rules: &Rules,
    troubles: &mut Troubles<'a>,
) {
    let of = |counter: &Counter| of_counter(counter, air, correlation);
    let of_counters: Vec<Whose> = rules.counters.iter().map(of).collect();
    for rule in rules.rules.iter().filter(|rule| rule.by.is_none()) {
        let read = rule.reads.counters.iter().map(|place| *place as usize);
        let (nobodys, others): (Vec<usize>, Vec<usize>) =
            read.partition(|place| of_counters[*place] == Whose::Nobody);
        let is_somebodys = match rule.moment {
            Moment::Turn => others
                .iter()
                .any(|place| of_counters[*place] == Whose::Somebody),
            _ => of_rule(rule, air, correlation) == Whose::Somebody,
        };
        for place in nobodys.into_iter().filter(|_| is_somebodys) {
            tell(file, &rules.counters[place], rule, troubles);
        }
    }
}

fn tell<'a>(file: &'a File, counter: &Counter, rule: &Rule, troubles: &mut Troubles<'a>) {
    let (name, reader) = (&counter.name, &rule.name);
    let at = file.root.properties.get(reader);
    let schema = counter.schemas().into_iter().next().unwrap_or_default();
    let what = format!("`{name}` is nobody's, and `{reader}` reads it where somebody is meant");
    let trouble = troubles.add(at.map_or(0, |property| property.span().start), what);
    trouble.hint(format!(
        "say whose `{schema}` is, in [correlation], or by what `{name}` counts, as its `by`"
    ));
}

fn of_counter(counter: &Counter, air: &Air, correlation: &Correlation) -> Whose {
    match counter.by {
        Some(_) => Whose::Unknown,
        None => of_moment(
            (counter.moment, counter.of, counter.schemas()),
            air,
            correlation,
        ),
    }
}

fn of_rule(rule: &Rule, air: &Air, correlation: &Correlation) -> Whose {
    of_moment((rule.moment, rule.of, rule.schemas()), air, correlation)
}

/// Whose a kind of moment is, if it is one of these schemas.
fn of_moment(
    (moment, of, schemas): (Moment, Option<ReducerId>, Vec<String>),
    air: &Air,
    correlation: &Correlation,
) -> Whose {
    let is_known = |schema: &String| {
        let schema = air.schemas.find(schema);
        schema.is_some_and(|schema| correlation.knows(schema))
    };
    match moment {
        Moment::Sent if schemas.is_empty() => Whose::Unknown,
        Moment::Sent if schemas.iter().all(is_known) => Whose::Somebody,
        Moment::Sent if !schemas.iter().any(is_known) => Whose::Nobody,
        Moment::Step => {
            let only = (air.reducers.len() == 1).then(|| ReducerId::new(0));
            let reducer = of.or(only).map(|reducer| &air.reducers[reducer.index()]);
            match reducer.is_some_and(|reducer| reducer.key_schema.is_some()) {
                true => Whose::Somebody,
                false => Whose::Unknown,
            }
        }
        _ => Whose::Unknown,
    }
}
