//! The effect gate: may this origin have this effect, under this grant, now?
//!
//! In AIR's order: the grant is there and not expired; its cap type fits the effect; the
//! parameters fit the grant; the policy's first matching rule says allow (no match denies).

use crate::air::{Air, Effect, Grant, OriginKind, Value};
use crate::trace::GateRule;

/// What the gate said, in the two parts that the journal keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    pub denied_by: Option<GateRule>,
    /// The first policy rule that matched, by index.
    pub rule: Option<u32>,
    pub policy_allows: bool,
}

impl Verdict {
    pub fn allowed(self) -> bool {
        self.denied_by.is_none() && self.policy_allows
    }
}

/// An effect at the gate. `params` are its canonical bytes.
pub struct Request<'a> {
    pub effect: &'a Effect,
    pub params: &'a [u8],
    pub grant: &'a Grant,
    pub origin_kind: OriginKind,
    pub origin_name: &'a str,
    /// Logical time.
    pub now_ns: u64,
}

pub fn decide(air: &Air, request: &Request<'_>) -> Verdict {
    let denied_by = if request
        .grant
        .expiry_ns
        .is_some_and(|expiry| request.now_ns >= expiry)
    {
        Some(GateRule::Expired)
    } else if request.grant.cap_type != request.effect.cap_type {
        Some(GateRule::CapType)
    } else if !covers(air, request) {
        Some(GateRule::Params)
    } else {
        None
    };
    let fits = |wanted: &Option<String>, found: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted == found)
    };
    let rule = air.policy.iter().position(|rule| {
        fits(&rule.effect_kind, &request.effect.kind)
            && fits(&rule.cap_name, &request.grant.name)
            && fits(&rule.cap_type, &request.grant.cap_type)
            && rule
                .origin_kind
                .is_none_or(|kind| kind == request.origin_kind)
            && fits(&rule.origin_name, request.origin_name)
    });
    Verdict {
        denied_by,
        rule: rule.map(|index| index as u32),
        policy_allows: rule.is_some_and(|index| air.policy[index].allow),
    }
}

/// Whether a grant's parameters cover an effect's: known for `http.out`, whose grants are
/// allow-lists. Timers have nothing to restrict, and a blob's namespace is not among its
/// parameters, so there is nothing to compare.
fn covers(air: &Air, request: &Request<'_>) -> bool {
    if request.effect.cap_type != "http.out" {
        return true;
    }
    let restricted = ["hosts", "schemes", "methods", "ports", "path_prefixes"];
    let lists = restricted.map(|name| allow_list(&request.grant.params, name));
    if lists.iter().all(Option::is_none) {
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
    let Ok(url) = text("url").parse::<http::Uri>() else {
        return false;
    };
    let scheme = url.scheme_str().unwrap_or_default();
    let port = url.port_u16().or(match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    });
    let [hosts, schemes, methods, ports, prefixes] = lists;
    let has = |list: Option<&[Value]>, found: &str| {
        list.is_none_or(|list| list.iter().any(|item| item.as_text() == Some(found)))
    };
    has(hosts, url.host().unwrap_or_default())
        && has(schemes, scheme)
        && has(methods, text("method"))
        && ports.is_none_or(|list| {
            list.iter()
                .any(|item| item.as_nat().is_some() && item.as_nat() == port.map(u64::from))
        })
        && prefixes.is_none_or(|list| {
            list.iter()
                .filter_map(Value::as_text)
                .any(|prefix| url.path().starts_with(prefix))
        })
}

fn allow_list<'a>(params: &'a Value, name: &str) -> Option<&'a [Value]> {
    match params.field(name) {
        Some(Value::List(items)) => Some(items),
        _ => None,
    }
}
