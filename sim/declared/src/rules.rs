//! Reads counters and properties: checked against the schemas, in the order of the file.

use toml::Spanned;

use crate::antecedent;
use crate::condition::{Condition, is_variable};
use crate::expand::Definitions;
use crate::file::File;
use crate::moments::{self, Moment};
use crate::names::COUNTERS;
use crate::properties::{Counter, Keeps, Reads, Rule, RuleKind, Sees, are_compiled};
use crate::shape::Wanted;
use crate::trouble::Troubles;
use crate::written::{Counter as CounterFile, PropertyFile};
use sim_air::{Air, ReducerId};
use sim_model::{Asked, Property, SEEDS_FOR_ARMS, SEEDS_FOR_SOMETIMES};

/// So many characters of a condition are shown as what is expected.
const MOST_SHOWN: usize = 160;

/// All that is watched for.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub counters: Vec<Counter>,
    pub rules: Vec<Rule>,
    /// As the harness asks for them, in the order of their places.
    pub properties: Vec<Property>,
    /// The place of the property that counters can be kept, if there are any.
    pub counters_place: Option<usize>,
}

/// Reads conditions about one reducer.
struct Reader<'a, 't> {
    air: &'a Air,
    counters: &'t [String],
    definitions: &'t Definitions,
    troubles: &'t mut Troubles<'a>,
    of: Option<ReducerId>,
}

impl Reader<'_, '_> {
    fn read(&mut self, source: &Spanned<String>, wanted: Wanted) -> Option<Condition> {
        let variables = moments::variables(self.air, self.of, self.counters);
        let schemas = &self.air.schemas;
        let known = (&variables[..], self.definitions);
        match Condition::parse(source.get_ref(), schemas, known, wanted) {
            Ok(condition) => {
                if self.of.is_none() && moments::is_about_reducer(&condition) {
                    let names = self.air.reducers.iter().map(|it| it.name.as_str());
                    let names: Vec<&str> = names.collect();
                    let what = "the condition is about a reducer, and there are several";
                    let trouble = self.troubles.add(source.span().start, what);
                    trouble.hint(format!("say which: of = {:?}", names.join("\" or \"")));
                    return None;
                }
                Some(condition)
            }
            Err(problems) => {
                for (message, hint) in problems {
                    let trouble = self.troubles.add(source.span().start, message);
                    trouble.maybe_hint(hint);
                }
                None
            }
        }
    }

    fn maybe(
        &mut self,
        source: &Option<Spanned<String>>,
        wanted: Wanted,
    ) -> Option<Option<Condition>> {
        match source {
            None => Some(None),
            Some(source) => self.read(source, wanted).map(Some),
        }
    }
}

impl Rules {
    /// Reads the counters and the properties of a file.
    pub fn read<'a>(
        file: &'a File,
        (air, definitions): (&'a Air, &Definitions),
        troubles: &mut Troubles<'a>,
    ) -> Rules {
        let mut rules = Rules::default();
        let root = &file.root;
        let mut counters: Vec<_> = root.counters.iter().collect();
        counters.sort_by_key(|(_, counter)| counter.span().start);
        let names: Vec<String> = counters.iter().map(|(name, _)| (*name).clone()).collect();
        for (name, counter) in &counters {
            let at = counter.span().start;
            if moments::is_taken(name) || !is_variable(name) {
                let trouble = troubles.add(at, format!("a counter cannot be called `{name}`"));
                trouble.hint(match moments::is_taken(name) {
                    true => "conditions have a variable of that name",
                    false => "a name is letters, digits and `_`, and no word of CEL",
                });
            } else if let Some(counter) =
                read_counter(name, counter, air, (&names, definitions), troubles)
            {
                rules.counters.push(counter);
            }
        }
        if !names.is_empty() {
            rules.counters_place = Some(rules.properties.len());
            rules.properties.push(counters_property());
        }
        for counter in &mut rules.counters {
            // Some count what should never be: nobody is asked to see it.
            let name = format!("{} counted", counter.name);
            let says = format!("the counter {} was given something", counter.name);
            counter.counted = rules.properties.len();
            let property = Property::sometimes(name, says, Asked::Never);
            rules.properties.push(property.of_model());
        }
        let mut properties: Vec<_> = root.properties.iter().collect();
        properties.sort_by_key(|(_, property)| property.span().start);
        let seeds = root.campaign.seeds.unwrap_or(u64::MAX);
        let asked = [SEEDS_FOR_SOMETIMES, SEEDS_FOR_ARMS];
        let asked = asked.map(|least| Asked::From(seeds.min(least)));
        for (name, property) in properties {
            if let Some(rule) = read_rule(name, property, air, (&names, definitions), troubles) {
                rules.add(rule, asked);
            }
        }
        rules
    }

    fn add(&mut self, mut rule: Rule, asked: [Asked; 2]) {
        let (name, says) = (rule.name.clone(), rule.says.clone());
        rule.place = self.properties.len();
        let property = match rule.kind {
            RuleKind::Sometimes => Property::sometimes(name, says, asked[0]),
            RuleKind::Eventually => Property::declared_eventually(name, says),
            _ => Property::declared(name, says),
        };
        self.properties.push(property.of_model());
        if rule.kind != RuleKind::Sometimes {
            rule.judged = Some(self.properties.len());
            let name = format!("{} judged", rule.name);
            let says = format!("{} had something to say", rule.name);
            self.properties
                .push(Property::sometimes(name, says, asked[1]).of_model());
        }
        self.rules.push(rule);
    }
}

fn counters_property() -> Property {
    let says = "the conditions of the counters can be evaluated";
    Property::always(COUNTERS, says).of_model()
}

fn reducer<'a>(
    air: &Air,
    of: &Option<Spanned<String>>,
    troubles: &mut Troubles<'a>,
) -> Option<Option<ReducerId>> {
    let name = of.as_ref().map(|of| of.get_ref().as_str());
    match moments::reducer(air, name) {
        Ok(reducer) => Some(reducer),
        Err(()) => {
            let of = of.as_ref().expect("only a name can be unknown");
            let known: Vec<&str> = air.reducers.iter().map(|it| it.name.as_str()).collect();
            troubles.unknown(of.span().start, "reducer", of.get_ref(), known);
            None
        }
    }
}

/// The one of these that is given, if it is one.
fn only<K, const N: usize>(
    kinds: [(K, &Option<Spanned<String>>); N],
) -> Option<(K, &Spanned<String>)> {
    let given = kinds.into_iter();
    let mut given = given.filter_map(|(kind, it)| Some((kind, it.as_ref()?)));
    let first = given.next()?;
    given.next().is_none().then_some(first)
}

fn read_counter<'a>(
    name: &str,
    file: &'a Spanned<CounterFile>,
    air: &'a Air,
    (names, definitions): (&[String], &Definitions),
    troubles: &mut Troubles<'a>,
) -> Option<Counter> {
    let (at, file) = (file.span().start, file.get_ref());
    let of = reducer(air, &file.of, troubles)?;
    let kinds = [
        (Keeps::Count, &file.count),
        (Keeps::Sum, &file.sum),
        (Keeps::First, &file.first),
        (Keeps::Last, &file.last),
        (Keeps::Max, &file.max),
    ];
    let Some((keeps, what)) = only(kinds) else {
        let what = format!("the counter `{name}` keeps one thing");
        troubles
            .add(at, what)
            .expected("one of `count`, `sum`, `first`, `last`, `max`");
        return None;
    };
    let mut reader = Reader {
        air,
        counters: names,
        definitions,
        troubles,
        of,
    };
    let what = reader.read(
        what,
        match keeps {
            Keeps::Count => Wanted::Truth,
            Keeps::Sum | Keeps::Max => Wanted::Number,
            Keeps::First | Keeps::Last => Wanted::Anything,
        },
    );
    let when = reader.maybe(&file.when, Wanted::Truth);
    let reset = reader.maybe(&file.reset, Wanted::Truth);
    let by = reader.maybe(&file.by, Wanted::Anything);
    let mut counter = Counter {
        name: name.to_owned(),
        of,
        moment: Moment::Turn,
        keeps,
        what: what?,
        when: when?,
        reset: reset?,
        by: by?,
        reads: Reads::default(),
        sees: Sees::default(),
        is_compiled: false,
        counted: 0,
    };
    counter.reads = Reads::of(counter.conditions(), names);
    counter.sees = Sees::of(counter.conditions());
    counter.sees.who = true;
    counter.is_compiled = are_compiled(counter.conditions(), counter.by.as_ref());
    counter.moment = moment(counter.conditions(), at, troubles)?;
    Some(counter)
}

fn moment<'c, 'a>(
    conditions: impl Iterator<Item = &'c Condition>,
    at: usize,
    troubles: &mut Troubles<'a>,
) -> Option<Moment> {
    match Moment::of(conditions) {
        Ok(moment) => Some(moment),
        Err((one, other)) => {
            let what = format!("`{one}` and `{other}` are never there at the same moment");
            let hint = "count one of them, and use the counter with the other";
            troubles.add(at, what).hint(hint);
            None
        }
    }
}

fn read_rule<'a>(
    name: &str,
    file: &'a Spanned<PropertyFile>,
    air: &'a Air,
    (names, definitions): (&[String], &Definitions),
    troubles: &mut Troubles<'a>,
) -> Option<Rule> {
    let (at, file) = (file.span().start, file.get_ref());
    let of = reducer(air, &file.of, troubles)?;
    let kinds = [
        (RuleKind::Always, &file.always),
        (RuleKind::Never, &file.never),
        (RuleKind::Sometimes, &file.sometimes),
        (RuleKind::Eventually, &file.eventually),
        (RuleKind::AtMostOnce, &file.at_most_once),
        (RuleKind::Absorbing, &file.absorbing),
    ];
    let Some((kind, what)) = only(kinds) else {
        let what = format!("the property `{name}` says one thing");
        troubles.add(at, what).expected(
            "one of `always`, `never`, `sometimes`, `eventually`, `at_most_once`, `absorbing`",
        );
        return None;
    };
    if let Some(unless) = file.unless.as_ref().filter(|_| kind != RuleKind::Absorbing) {
        let trouble = troubles.add(unless.span().start, "`unless` goes with `absorbing`");
        trouble.hint("say it by `when`, or within the condition");
    }
    if let Some(when) = file.when.as_ref().filter(|_| kind == RuleKind::Absorbing) {
        let trouble = troubles.add(when.span().start, "`when` does not go with `absorbing`");
        trouble.hint("say it within the condition, and by `unless` when a step may go on");
    }
    let mut reader = Reader {
        air,
        counters: names,
        definitions,
        troubles,
        of,
    };
    let source = what;
    let what = reader.read(source, Wanted::Truth);
    let when = reader.maybe(&file.when, Wanted::Truth);
    let unless = reader.maybe(&file.unless, Wanted::Truth);
    let by = reader.maybe(&file.by, Wanted::Anything);
    let what = what?;
    let about = match kind {
        RuleKind::Always => what.antecedent(antecedent::of_always),
        RuleKind::Never => what.antecedent(antecedent::of_never),
        _ => None,
    };
    let when = match (when?, about) {
        (Some(when), Some(about)) => Some(when.and(about)),
        (when, about) => when.or(about),
    };
    let (says, expected) = in_words(kind, source.get_ref());
    let says = file.says.clone().unwrap_or(says);
    let mut rule = Rule {
        name: name.to_owned(),
        says,
        expected,
        kind,
        of,
        moment: Moment::Turn,
        what,
        when,
        unless: unless?,
        by: by?,
        reads: Reads::default(),
        sees: Sees::default(),
        is_compiled: false,
        place: 0,
        judged: None,
    };
    rule.reads = Reads::of(rule.conditions(), names);
    rule.sees = Sees::of(rule.conditions());
    rule.sees.who |= kind == RuleKind::AtMostOnce && rule.by.is_none();
    if kind == RuleKind::Absorbing {
        rule.sees.before = true;
        rule.sees.still = true;
    }
    rule.is_compiled = are_compiled(rule.conditions(), rule.by.as_ref());
    rule.moment = moment(rule.conditions(), at, troubles)?;
    check_kind(&rule, at, troubles)?;
    Some(rule)
}

/// What a property says, and what it expects, by its condition.
fn in_words(kind: RuleKind, source: &str) -> (String, String) {
    let source = source.split_whitespace().collect::<Vec<&str>>().join(" ");
    let shown = match source.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &source[..end]),
        None => source.clone(),
    };
    let (kind, expected) = match kind {
        RuleKind::Always => ("always", shown),
        RuleKind::Never => ("never", format!("never: {shown}")),
        RuleKind::Sometimes => ("sometimes", shown),
        RuleKind::Eventually => ("eventually", format!("at rest: {shown}")),
        RuleKind::AtMostOnce => ("at most once", format!("at most once: {shown}")),
        RuleKind::Absorbing => ("for good", format!("for good: {shown}")),
    };
    (format!("{kind} {source}"), expected)
}

/// What a kind of property cannot be about.
fn check_kind(rule: &Rule, at: usize, troubles: &mut Troubles<'_>) -> Option<()> {
    let mut wrong = |what: &str, hint: &str| {
        troubles.add(at, what).hint(hint);
        None
    };
    let only_state = |condition: &Condition| {
        let others = ["event", "before", "emitted", "effects", "changed"];
        !others.iter().any(|name| condition.has(name))
    };
    match rule.kind {
        RuleKind::Absorbing if !(rule.what.has("state") && only_state(&rule.what)) => wrong(
            "`absorbing` is a condition over `state`",
            "absorbing = \"state.pc == 'Done'\"; what may go on is said by `unless`",
        ),
        RuleKind::Eventually => {
            let fits = |condition: &Condition| only_state(condition);
            let at_rest = matches!(rule.moment, Moment::Turn | Moment::Step);
            match at_rest && rule.conditions().all(fits) {
                true => Some(()),
                false => wrong(
                    "`eventually` is judged when nothing is in flight: there is no event then",
                    "it may read `state`, `key`, `cells`, `world`, `who` and counters",
                ),
            }
        }
        _ => Some(()),
    }
}
