//! Policies: what their rules name, and rules that can never match.
//!
//! As in AgentOS, a rule for an unknown kind or grant is refused, and one for an origin
//! or a cap type that is not there is taken. Such a rule never matches, which is warned of.

use std::collections::{BTreeMap, BTreeSet};

use super::capabilities::{Capabilities, cap_types};
use super::index::WorldDocuments;
use crate::air::effects::Rule;
use crate::documents::{Abi, Body, Manifest, OriginKind, RawPolicy, RawRule};
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::quote::quote;

/// Checks every policy, and gives the rules of the default one.
pub fn check(
    world: &WorldDocuments,
    manifest: &Manifest,
    capabilities: &Capabilities,
    problems: &mut Problems,
) -> Vec<Rule> {
    let known = KnownNames::of(world, capabilities);
    let mut all = Vec::new();
    for document in world.of_kind("defpolicy") {
        let Body::Policy(policy) = &document.body else {
            continue;
        };
        let rules = policy.rules.iter();
        let rules: Vec<Rule> = rules
            .map(|raw| rule(raw, &known, capabilities, problems))
            .collect();
        shadowed(policy, &rules, problems);
        all.push(rules);
    }
    let chosen = manifest.policy.as_ref();
    let chosen = chosen.and_then(|name| world.find("defpolicy", name, problems));
    match chosen {
        Some(index) if index < all.len() => all.swap_remove(index),
        _ => Vec::new(),
    }
}

/// The names that a rule may have beside those of effects and grants.
struct KnownNames<'w> {
    cap_types: BTreeSet<&'w str>,
    plans: BTreeSet<&'w str>,
    reducers: BTreeSet<&'w str>,
}

impl<'w> KnownNames<'w> {
    fn of(world: &'w WorldDocuments<'_, '_>, capabilities: &'w Capabilities) -> KnownNames<'w> {
        let modules = world.of_kind("defmodule").iter();
        let reducers = modules.filter(|document| match &document.body {
            Body::Module(module) => matches!(module.abi, Abi::Reducer { .. }),
            _ => false,
        });
        KnownNames {
            cap_types: cap_types(capabilities).collect(),
            plans: world.names("defplan").collect(),
            reducers: reducers.map(|document| &*document.name.it).collect(),
        }
    }
}

fn rule(
    raw: &RawRule,
    known: &KnownNames<'_>,
    capabilities: &Capabilities,
    problems: &mut Problems,
) -> Rule {
    let effect = raw.effect_kind.as_ref();
    let effect = effect.and_then(|kind| capabilities.known_effect(kind, problems));
    let grant = raw.cap_name.as_ref();
    let grant = grant.and_then(|grant| capabilities.grant(grant, problems));
    let mut never = |place: SourcePlace, why: String| {
        let problem = Problem::warning(place, format!("{why}: the rule never matches"));
        problems.push(problem);
    };
    if let (Some(kind), Some(effect)) = (&raw.effect_kind, effect)
        && !capabilities.listed[effect.index()]
    {
        let why = format!("{} is not in `effects` of the manifest", quote(&kind.it));
        never(kind.place, why);
    }
    let effect = effect.map(|id| &capabilities.effects[id.index()]);
    let grant = grant.map(|id| &capabilities.grants[id.index()]);
    if let (Some(effect), Some(name), Some(grant)) = (effect, &raw.cap_name, grant)
        && effect.cap_type != grant.cap_type
    {
        let (kind, wanted, found) = (&effect.kind, &effect.cap_type, &grant.cap_type);
        let name_text = quote(&name.it);
        let why = format!("`{kind}` needs `{wanted}`, and {name_text} grants `{found}`");
        never(name.place, why);
    }
    if let Some(cap_type) = &raw.cap_type {
        let of_effect = effect.map(|effect| &effect.cap_type);
        let of_grant = grant.map(|grant| &grant.cap_type);
        let other = of_effect.or(of_grant).filter(|it| **it != cap_type.it);
        if !known.cap_types.contains(&*cap_type.it) {
            let why = format!("no cap and no effect is of {}", quote(&cap_type.it));
            never(cap_type.place, why);
        } else if let Some(other) = other {
            let why = format!(
                "what the rule names is of `{other}`, not {}",
                quote(&cap_type.it)
            );
            never(cap_type.place, why);
        }
    }
    if let Some(name) = &raw.origin_name
        && let Some(why) = no_origin(name, raw.origin_kind.as_ref(), known)
    {
        let others = known.plans.union(&known.reducers).copied();
        let hint = problems.suggest(&name.it, others.filter(|other| *other != name.it));
        let problem = Problem::warning(name.place, format!("{why}: the rule never matches"));
        problems.push(problem.maybe_hint(hint));
    }
    let text = |at: &Option<At<String>>| at.as_ref().map(|at| at.it.clone());
    Rule {
        effect_kind: text(&raw.effect_kind),
        cap_name: text(&raw.cap_name),
        cap_type: text(&raw.cap_type),
        origin_kind: raw.origin_kind.as_ref().map(|kind| kind.it),
        origin_name: text(&raw.origin_name),
        allow: raw.allow,
    }
}

/// Why no effect comes from an origin of that name, and of the kind if the rule names one.
fn no_origin(
    name: &At<String>,
    kind: Option<&At<OriginKind>>,
    known: &KnownNames<'_>,
) -> Option<String> {
    let text = quote(&name.it);
    let is_plan = known.plans.contains(&*name.it);
    let is_reducer = known.reducers.contains(&*name.it);
    match kind.map(|kind| kind.it) {
        Some(OriginKind::Plan) if is_reducer && !is_plan => {
            Some(format!("{text} is a reducer, not a plan"))
        }
        Some(OriginKind::Reducer) if is_plan && !is_reducer => {
            Some(format!("{text} is a plan, not a reducer"))
        }
        _ if is_plan || is_reducer => None,
        _ => Some(format!("no plan and no reducer has the name {text}")),
    }
}

/// Warns of rules that come after one that matches all that they match.
fn shadowed(policy: &RawPolicy, rules: &[Rule], problems: &mut Problems) {
    let mut seen: BTreeMap<Conditions, usize> = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        let conditions = conditions(rule);
        // One that matches more has some of the conditions and no others.
        let wider = (0..1 << conditions.len()).filter_map(|kept: usize| {
            let mut wider = conditions;
            for (field, condition) in wider.iter_mut().enumerate() {
                if kept & (1 << field) == 0 {
                    *condition = None;
                }
            }
            seen.get(&wider)
        });
        if let (Some(before), Some(raw)) = (wider.min(), policy.rules.get(index)) {
            let message = format!("rule {before} matches all that this rule does: it never counts");
            let problem = Problem::warning(raw.place, message);
            problems.push(problem.hint("the first rule that matches decides, counted from 0"));
        }
        seen.entry(conditions).or_insert(index);
    }
}

/// What a rule asks of an effect.
type Conditions<'r> = [Option<&'r str>; 5];

fn conditions(rule: &Rule) -> Conditions<'_> {
    let origin_kind = rule.origin_kind.map(|kind| match kind {
        OriginKind::Plan => "plan",
        OriginKind::Reducer => "reducer",
    });
    [
        rule.effect_kind.as_deref(),
        rule.cap_name.as_deref(),
        rule.cap_type.as_deref(),
        origin_kind,
        rule.origin_name.as_deref(),
    ]
}
