//! The effect gate: may this origin have this effect, under this grant, now?
//!
//! In AIR's order: the grant is there and not expired; its cap type fits the effect; the
//! parameters fit the grant; the policy's first matching rule says allow (no match denies).
//!
//! What fits is for the cap's enforcer to say: the allow-lists of `http.out`, or a module of the
//! world's own. Without one, a grant covers all: timers have nothing to restrict, and a blob's
//! namespace is not among its parameters.

mod enforcer;

use super::World;
use sim_air::{Air, AllowLists, AskedEffect, Effect, Enforcer, Grant, OriginKind, Value};

/// What the gate said, in the two parts that the journal keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    pub denied_by: Option<Denial>,
    /// The first policy rule that matched, by index.
    pub rule: Option<u32>,
    pub policy_allows: bool,
}

/// The check that refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Denial {
    Expired,
    CapType,
    Params,
    /// A module of the world's own: why.
    Enforcer(String),
}

impl Verdict {
    pub fn allowed(&self) -> bool {
        self.denied_by.is_none() && self.policy_allows
    }
}

/// An effect at the gate. `params` are its canonical bytes.
pub struct GateRequest<'a> {
    pub effect: &'a Effect,
    pub params: &'a [u8],
    pub grant: &'a Grant,
    pub origin_kind: OriginKind,
    pub origin_name: &'a str,
    /// Logical time.
    pub now_ns: u64,
    /// Records in the journal before the decision.
    pub journal_height: usize,
}

pub fn decide(world: &World, request: &GateRequest<'_>) -> Verdict {
    let air = &world.air;
    let GateRequest { effect, grant, .. } = *request;
    let denied_by = if grant
        .expiry_ns
        .is_some_and(|expiry| request.now_ns >= expiry)
    {
        Some(Denial::Expired)
    } else if grant.cap_type != effect.cap_type {
        Some(Denial::CapType)
    } else {
        match air.caps[grant.cap].enforcer {
            Enforcer::AllowAll => None,
            Enforcer::AllowLists => (!covers(air, request)).then_some(Denial::Params),
            Enforcer::Module(module) => enforcer::ask(world, module, request)
                .err()
                .map(Denial::Enforcer),
        }
    };
    let asked = AskedEffect {
        effect_kind: &effect.kind,
        grant,
        origin_kind: request.origin_kind,
        origin_name: request.origin_name,
    };
    let rule = air.policy.iter().position(|rule| rule.matches(&asked));
    Verdict {
        denied_by,
        rule: rule.map(|index| index as u32),
        policy_allows: rule.is_some_and(|index| air.policy[index].allow),
    }
}

/// Whether the allow-lists of a grant let an effect pass.
fn covers(air: &Air, request: &GateRequest<'_>) -> bool {
    let lists = AllowLists::of(&request.grant.params);
    if !lists.restrict() {
        return true;
    }
    let Ok(params) = air.schemas.decode(request.effect.params, request.params) else {
        return false;
    };
    let text = |name| {
        params
            .field(name)
            .and_then(Value::as_text)
            .unwrap_or_default()
    };
    lists.refuse_url(text("url")).is_none() && lists.refuse_method(text("method")).is_none()
}
