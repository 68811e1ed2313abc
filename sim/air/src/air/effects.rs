//! Effects, caps, grants and rules: what the effect gate goes by.

use crate::documents::{Origin, OriginKind};
use crate::types::schemas::SchemaId;
use crate::value::Value;

#[derive(Clone, Debug)]
pub struct Effect {
    pub name: String,
    pub kind: String,
    pub params: SchemaId,
    pub receipt: SchemaId,
    pub cap_type: String,
    pub origin: Origin,
    /// The built-in event in which a reducer gets the receipt, such as `sys/TimerFired@1`.
    pub receipt_event: Option<SchemaId>,
}

#[derive(Clone, Debug)]
pub struct Cap {
    pub name: String,
    pub cap_type: String,
    /// The type of a grant's parameters: an anonymous schema.
    pub schema: SchemaId,
    pub enforcer: Enforcer,
}

/// What judges whether a grant covers the parameters of an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enforcer {
    /// Nothing: it covers them.
    AllowAll,
    /// The lists of `http.out`: see [`super::allow_lists::AllowLists`].
    AllowLists,
    /// A module of the world's own: an index into [`Air::enforcers`], or none if no grant is of
    /// such a cap.
    Module(Option<usize>),
}

#[derive(Clone, Debug)]
pub struct Grant {
    pub name: String,
    /// An index into [`Air::caps`].
    pub cap: usize,
    pub cap_type: String,
    pub params: Value,
    pub expiry_ns: Option<u64>,
}

/// One rule of a policy: what is absent matches anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    pub effect_kind: Option<String>,
    pub cap_name: Option<String>,
    pub cap_type: Option<String>,
    pub origin_kind: Option<OriginKind>,
    pub origin_name: Option<String>,
    pub allow: bool,
}

/// What a rule looks at of an effect that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AskedEffect<'a> {
    pub effect_kind: &'a str,
    pub grant: &'a Grant,
    pub origin_kind: OriginKind,
    pub origin_name: &'a str,
}

impl Rule {
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
