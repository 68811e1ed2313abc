//! Effects, caps, grants and rules: what the effect gate goes by.

use crate::documents::{Origin, OriginKind};
use crate::types::schemas::SchemaId;
use crate::value::Value;

/// A kind of effect (`defeffect`).
#[derive(Clone, Debug)]
pub struct Effect {
    /// The name of its document, such as `sys/timer.set@1`.
    pub name: String,
    /// What it is asked for by, such as `timer.set`.
    pub kind: String,
    /// The schema of its parameters.
    pub params: SchemaId,
    /// The schema of its receipts.
    pub receipt: SchemaId,
    /// The type of the caps that cover it.
    pub cap_type: String,
    /// Who may ask for it.
    pub origin: Origin,
    /// The built-in event in which a reducer gets the receipt, such as `sys/TimerFired@1`.
    pub receipt_event: Option<SchemaId>,
}

/// A kind of permission (`defcap`).
#[derive(Clone, Debug)]
pub struct Cap {
    /// The name of its document, such as `sys/http.out@1`.
    pub name: String,
    /// The type by which effects ask for it.
    pub cap_type: String,
    /// The type of a grant's parameters: an anonymous schema.
    pub schema: SchemaId,
    /// What judges whether a grant of it covers an effect.
    pub enforcer: Enforcer,
}

/// What judges whether a grant covers the parameters of an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enforcer {
    /// Nothing: it covers them.
    AllowAll,
    /// The lists of `http.out`: see [`super::allow_lists::AllowLists`].
    AllowLists,
    /// A module of the world's own: an index into [`crate::Air::enforcers`], or none if no grant is
    /// of such a cap.
    Module(Option<usize>),
}

/// A permission that is given: an entry of `defaults.cap_grants`.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The name by which plans, slots and rules mean it.
    pub name: String,
    /// An index into [`crate::Air::caps`].
    pub cap: usize,
    /// The type of its cap.
    pub cap_type: String,
    /// What it is limited to: a value of [`Cap::schema`].
    pub params: Value,
    /// The logical time from which it covers nothing, in ns; none: it does not expire.
    pub expiry_ns: Option<u64>,
}

/// One rule of a policy: what is absent matches anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// The kind of the effect.
    pub effect_kind: Option<String>,
    /// The name of the grant.
    pub cap_name: Option<String>,
    /// The cap type of the grant.
    pub cap_type: Option<String>,
    /// Whether a plan or a reducer asks.
    pub origin_kind: Option<OriginKind>,
    /// The name of the plan or the reducer that asks.
    pub origin_name: Option<String>,
    /// What is decided if all of that matches.
    pub allow: bool,
}

/// What a rule looks at of an effect that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AskedEffect<'a> {
    /// Its kind.
    pub effect_kind: &'a str,
    /// The grant that is to cover it.
    pub grant: &'a Grant,
    /// Whether a plan or a reducer asks.
    pub origin_kind: OriginKind,
    /// The name of who asks.
    pub origin_name: &'a str,
}

impl Rule {
    /// Whether all that the rule names is so.
    pub fn matches(&self, asked: &AskedEffect<'_>) -> bool {
        let fits = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        fits(&self.effect_kind, asked.effect_kind)
            && fits(&self.cap_name, &asked.grant.name)
            && fits(&self.cap_type, &asked.grant.cap_type)
            && self
                .origin_kind
                .is_none_or(|kind| kind == asked.origin_kind)
            && fits(&self.origin_name, asked.origin_name)
    }
}
