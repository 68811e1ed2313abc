//! What the effect gate is sure to say: effects that can never be granted, or are always denied.
//!
//! Nothing of it refuses a world, since a policy may mean to deny. A warning stands where one would
//! mend it. What a module of the world's own would say is not known.

use std::collections::BTreeMap;

use super::index::WorldDocuments;
use crate::air::allow_lists::AllowLists;
use crate::air::effects::{AskedEffect, Effect, Enforcer, Grant};
use crate::air::plans::{Op, Plan};
use crate::air::{Air, Reducer, SlotBinding};
use crate::documents::{Abi, Body, Document, Manifest, OriginKind, RawOperation, RawPlan};
use crate::expr::ExprOrValue;
use crate::expr::known::{Assigned, KnownText, field_text};
use crate::json::{Later, Node};
use crate::problems::list::Problems;
use crate::problems::problem::{Problem, SourcePlace};
use crate::text::quote::quote;

/// An effect as it may be asked for.
struct EffectUse<'a> {
    effect: &'a Effect,
    grant: &'a Grant,
    origin_kind: OriginKind,
    origin_name: &'a str,
}

struct GateChecker<'c> {
    world: &'c WorldDocuments<'c, 'c>,
    manifest: &'c Manifest<'c>,
    air: &'c Air,
    /// The names of the first two grants of each cap type.
    grants: BTreeMap<&'c str, Vec<String>>,
    problems: &'c mut Problems,
    /// Whether it was said that there is no policy.
    lacks_policy: bool,
}

/// Warns of what a sound world asks for in vain.
pub fn check(world: &WorldDocuments, manifest: &Manifest, air: &Air, problems: &mut Problems) {
    let mut grants: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for grant in &air.grants {
        let names = grants.entry(&grant.cap_type).or_default();
        if names.len() < 2 {
            names.push(quote(&grant.name));
        }
    }
    let mut gate = GateChecker {
        world,
        manifest,
        air,
        grants,
        problems,
        lacks_policy: false,
    };
    gate.grants();
    for reducer in &air.reducers {
        gate.reducer(reducer);
    }
    for plan in &air.plans {
        gate.plan(plan);
    }
}

impl GateChecker<'_> {
    fn warn(&mut self, place: SourcePlace, message: String, hint: &str) {
        let problem = Problem::warning(place, message);
        self.problems.push(problem.hint(hint));
    }

    fn document(&self, kind: &str, name: &str) -> Option<&'_ Document<'_>> {
        let documents = self.world.of_kind(kind).iter();
        { documents }
            .find(|document| document.name.it == name)
            .copied()
    }

    /// Grants that no effect can use, whoever asks.
    fn grants(&mut self) {
        // A sound world has each of them.
        for (raw, grant) in self.manifest.grants.iter().zip(&self.air.grants) {
            let name = quote(&raw.name.it);
            if let Some(expiry) = raw.expiry_ns.as_ref().filter(|expiry| expiry.it == 0) {
                let message = format!("{name} expires at 0: it is never valid");
                let hint = "leave `expiry_ns` out for a grant that does not expire";
                self.warn(expiry.place, message, hint);
            }
            if self.air.caps[grant.cap].enforcer != Enforcer::AllowLists {
                continue;
            }
            for list in AllowLists::of(&grant.params).empty() {
                let place = place_in(&raw.params, list);
                let message = format!("`{list}` of {name} is empty: no request passes");
                let hint = format!(
                    "leave `{list}` out to restrict nothing, which is how AgentOS' own enforcer \
                     takes an empty list"
                );
                self.warn(place, message, &hint);
            }
        }
    }

    fn reducer(&mut self, reducer: &Reducer) {
        let document = self.document("defmodule", &reducer.name);
        let Some(Body::Module(module)) = document.map(|document| &document.body) else {
            return;
        };
        let Abi::Reducer {
            effects_emitted,
            cap_slots,
            ..
        } = &module.abi
        else {
            return;
        };
        // What is emitted was found in the order of the document.
        let mut found: Vec<(SourcePlace, String, String)> = Vec::new();
        let mut uses = Vec::new();
        let declared = cap_slots.iter().map(|(name, _)| (&*name.it, name.place));
        let declared: BTreeMap<&str, SourcePlace> = declared.collect();
        let mut bindings = self.manifest.bindings.iter();
        let bound = bindings.find(|(module, _)| module.it == reducer.name);
        for (id, kind) in reducer.effects_emitted.iter().zip(effects_emitted) {
            let effect = &self.air.effects[id.index()];
            let fitting = reducer.slots.iter();
            let fitting: Vec<(&String, &SlotBinding)> = { fitting }
                .filter(|(_, slot)| slot.cap_type == effect.cap_type)
                .collect();
            let never = format!("{} can never have `{}`", quote(&reducer.name), effect.kind);
            if fitting.is_empty() {
                let message = format!("{never}: it has no slot of `{}`", effect.cap_type);
                let hint = format!(
                    "declare one in `cap_slots`: {{\"default\": \"{}\"}}",
                    effect.cap_type
                );
                found.push((kind.place, message, hint));
            }
            for (name, slot) in fitting {
                let Some(grant) = slot.grant else {
                    let message = format!("{never}: its slot {} has no grant", quote(name));
                    // The module's bindings, or else where the slot is declared or needed.
                    let place = bound.map(|(module, _)| module.place);
                    let place = place.or_else(|| declared.get(&**name).copied());
                    let place = place.unwrap_or(kind.place);
                    found.push((place, message, self.how_to_bind(&slot.cap_type)));
                    continue;
                };
                uses.push(EffectUse {
                    effect,
                    grant: &self.air.grants[grant.index()],
                    origin_kind: OriginKind::Reducer,
                    origin_name: &reducer.name,
                });
            }
        }
        for (place, message, hint) in found {
            self.warn(place, message, &hint);
        }
        for each in &uses {
            self.policy(each);
        }
    }

    fn how_to_bind(&self, cap_type: &str) -> String {
        match self.grants.get(cap_type).map_or(&[][..], Vec::as_slice) {
            [] => format!("no grant is of `{cap_type}`: add one to `defaults.cap_grants`"),
            [one] => format!("bind it to {one} in `module_bindings`"),
            several => format!(
                "bind it in `module_bindings`; {} are of `{cap_type}`",
                several.join(" and ")
            ),
        }
    }

    fn plan(&mut self, plan: &Plan) {
        let document = self.document("defplan", &plan.name);
        let Some(Body::Plan(raw)) = document.map(|document| &document.body) else {
            return;
        };
        let assigned = assigned(plan);
        let mut uses = Vec::new();
        let mut found = Vec::new();
        for step in &plan.steps {
            let Op::EmitEffect {
                effect,
                params,
                grant,
                ..
            } = &step.op
            else {
                continue;
            };
            let effect = &self.air.effects[effect.index()];
            let grant = &self.air.grants[grant.index()];
            uses.push(EffectUse {
                effect,
                grant,
                origin_kind: OriginKind::Plan,
                origin_name: &plan.name,
            });
            if let Some(at) = params_of(raw, &step.id) {
                found.extend(self.refused_request(grant, params, at, &assigned));
            }
        }
        for (place, message, hint) in found {
            self.warn(place, message, &hint);
        }
        for each in &uses {
            self.policy(each);
        }
    }

    /// Constants that the grant's lists never let pass.
    fn refused_request(
        &self,
        grant: &Grant,
        params: &ExprOrValue,
        at: Later,
        assigned: &Assigned<'_>,
    ) -> Vec<(SourcePlace, String, String)> {
        let lists = AllowLists::of(&grant.params);
        if self.air.caps[grant.cap].enforcer != Enforcer::AllowLists || !lists.restrict() {
            return Vec::new();
        }
        let text = |name| field_text(params, name, assigned);
        let method = match text("method") {
            Some(KnownText::Whole(method)) => lists.refuse_method(&method).zip(Some(method)),
            _ => None,
        };
        let url = match text("url") {
            Some(KnownText::Whole(url)) => lists.refuse_url(&url).zip(Some(url)),
            Some(KnownText::Beginning(url)) => {
                lists.refuse_beginning(&url).zip(Some(format!("{url}…")))
            }
            None => None,
        };
        // A list without items has a warning of its own.
        let is_empty = |list: &str| lists.empty().any(|empty| empty == list);
        let refused = [("method", method), ("url", url)].into_iter();
        let refused = refused.filter_map(|(field, refused)| Some((field, refused?)));
        { refused }
            .filter(|(_, (list, _))| !is_empty(list))
            .map(|(field, (list, found))| {
                let place = place_in(&at, field);
                let grant = quote(&grant.name);
                let found = quote(&found);
                match list {
                    "url" => (
                        place,
                        format!("{found} is no URL: {grant} never lets it pass"),
                        "for example https://host/path".to_owned(),
                    ),
                    list => (
                        place,
                        format!("{grant} never lets {found} pass: `{list}` has nothing for it"),
                        format!("extend `{list}` of the grant, or ask for something else"),
                    ),
                }
            })
            .collect()
    }

    /// Warns if the policy always denies.
    fn policy(&mut self, each: &EffectUse<'_>) {
        let kind = &each.effect.kind;
        if each.grant.cap_type != each.effect.cap_type {
            return;
        }
        let Some(name) = &self.manifest.policy else {
            if !self.lacks_policy {
                self.lacks_policy = true;
                let place = self.manifest.defaults;
                let message =
                    format!("no policy in `defaults`: every effect is denied, as `{kind}`");
                let hint =
                    "name a policy that allows it; AgentOS' own kernel allows all without one";
                self.warn(place, message, hint);
            }
            return;
        };
        let document = self.document("defpolicy", &name.it);
        let Some(Body::Policy(policy)) = document.map(|document| &document.body) else {
            return;
        };
        let asked = AskedEffect {
            effect_kind: kind,
            grant: each.grant,
            origin_kind: each.origin_kind,
            origin_name: each.origin_name,
        };
        let origin = quote(each.origin_name);
        let mut rules = self.air.policy.iter();
        match rules.position(|rule| rule.matches(&asked)) {
            Some(index) if self.air.policy[index].allow => {}
            Some(index) => {
                let Some(place) = policy.rules.get(index).map(|rule| rule.decision) else {
                    return;
                };
                let message = format!("`{kind}` of {origin} is always denied, by this rule");
                let hint = "the first rule that matches decides: allow it in one before this";
                self.warn(place, message, hint);
            }
            None => {
                let message = format!("`{kind}` of {origin} is always denied: no rule matches it");
                let hint = "add a rule that allows it";
                self.warn(policy.place, message, hint);
            }
        }
    }
}

/// Variables that one `assign` sets, and nothing else.
fn assigned(plan: &Plan) -> Assigned<'_> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for step in &plan.steps {
        let var = match &step.op {
            Op::EmitEffect { handle, .. } => handle,
            Op::AwaitReceipt { var, .. } | Op::AwaitEvent { var, .. } | Op::Assign { var, .. } => {
                var
            }
            Op::RaiseEvent { .. } | Op::End { .. } => continue,
        };
        *counts.entry(var).or_default() += 1;
    }
    let assigns = plan.steps.iter().filter_map(|step| match &step.op {
        Op::Assign { expr, var } => Some((var.as_str(), expr)),
        _ => None,
    });
    assigns.filter(|(var, _)| counts[var] == 1).collect()
}

/// The parameters of a step, as they are written.
fn params_of<'a>(plan: &RawPlan<'a>, id: &str) -> Option<Later<'a>> {
    let step = plan.steps.iter().find(|step| step.id.it == id)?;
    match &step.operation {
        RawOperation::EmitEffect { params, .. } => Some(*params),
        _ => None,
    }
}

/// Where a field of a record is written, in any of the spellings; else the record.
fn place_in(record: &Later, field: &str) -> SourcePlace {
    let inside = record.node.member(field);
    let tagged = || record.node.member("record").and_then(|it| it.member(field));
    let found: &Node = inside.or_else(tagged).unwrap_or(record.node);
    SourcePlace {
        file: record.file,
        offset: found.start,
    }
}
