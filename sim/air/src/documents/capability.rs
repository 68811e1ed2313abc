//! `defcap`, `defeffect`, `defpolicy` and `defsecret`.

use super::fields::Fields;
use super::schema::RawType;
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::patterns::Pattern;

pub const CAP_FIELDS: &[&str] = &["name", "cap_type", "schema", "enforcer"];
pub const EFFECT_FIELDS: &[&str] = &[
    "name",
    "kind",
    "params_schema",
    "receipt_schema",
    "cap_type",
    "origin_scope",
    "description",
];
pub const POLICY_FIELDS: &[&str] = &["name", "rules"];
pub const SECRET_FIELDS: &[&str] = &[
    "name",
    "binding_id",
    "allowed_caps",
    "allowed_plans",
    "expected_digest",
];
const ORIGINS: [(&str, OriginKind); 2] =
    [("plan", OriginKind::Plan), ("reducer", OriginKind::Reducer)];

/// Who may ask for an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Reducers only.
    Reducer,
    /// Plans only.
    Plan,
    /// Either.
    Both,
}

/// What asks for an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OriginKind {
    /// A plan.
    Plan,
    /// A reducer.
    Reducer,
}

pub struct RawCap {
    pub cap_type: String,
    pub ty: RawType,
    /// The module that judges an effect's parameters.
    pub enforcer: Option<At<String>>,
}

impl RawCap {
    pub fn read(fields: &Fields, problems: &mut Problems) -> Option<RawCap> {
        let cap_type = fields.text("cap_type", Pattern::Kind, problems);
        let schema = fields.required("schema", problems);
        let enforcer = match fields.get("enforcer") {
            Some(later) => Fields::of(later, "enforcer", &["module"], problems)
                .and_then(|fields| fields.text("module", Pattern::Name, problems))
                .map(Some),
            None => Some(None),
        };
        let ty = RawType::read(schema?, problems);
        Some(RawCap {
            cap_type: cap_type?.it,
            ty: ty?,
            enforcer: enforcer?,
        })
    }
}

pub struct RawEffect {
    pub kind: At<String>,
    pub params: At<String>,
    pub receipt: At<String>,
    pub cap_type: String,
    pub origin: Origin,
}

impl RawEffect {
    pub fn read(fields: &Fields, problems: &mut Problems) -> Option<RawEffect> {
        let scopes = [
            ("reducer", Origin::Reducer),
            ("plan", Origin::Plan),
            ("both", Origin::Both),
        ];
        let kind = fields.text("kind", Pattern::Kind, problems);
        let params = fields.text("params_schema", Pattern::Name, problems);
        let receipt = fields.text("receipt_schema", Pattern::Name, problems);
        let cap_type = fields.text("cap_type", Pattern::Kind, problems);
        let origin = fields.choice("origin_scope", &scopes, problems);
        if let Some(description) = fields.get("description")
            && description.node.as_text().is_none()
        {
            let message = format!("`description` is text, not {}", description.node.describe());
            problems.push(Problem::new(description.place(), message));
        }
        Some(RawEffect {
            kind: kind?,
            params: params?,
            receipt: receipt?,
            cap_type: cap_type?.it,
            origin: origin?,
        })
    }
}

pub struct RawPolicy {
    /// Where `rules` is.
    pub place: SourcePlace,
    pub rules: Vec<RawRule>,
}

pub struct RawRule {
    pub place: SourcePlace,
    /// Where `decision` is.
    pub decision: SourcePlace,
    pub effect_kind: Option<At<String>>,
    pub cap_name: Option<At<String>>,
    pub cap_type: Option<At<String>>,
    pub origin_kind: Option<At<OriginKind>>,
    pub origin_name: Option<At<String>>,
    pub allow: bool,
}

impl RawPolicy {
    pub fn read(fields: &Fields, problems: &mut Problems) -> Option<RawPolicy> {
        let place = fields.required("rules", problems)?.place();
        let mut rules = Vec::new();
        for rule in fields.items("rules", problems) {
            let rule = Fields::of(rule, "rule", &["when", "decision"], problems);
            rules.extend(rule.and_then(|rule| read_rule(&rule, problems)));
        }
        Some(RawPolicy { place, rules })
    }
}

fn read_rule(fields: &Fields, problems: &mut Problems) -> Option<RawRule> {
    let allow = fields.choice("decision", &[("allow", true), ("deny", false)], problems);
    let names = &[
        "effect_kind",
        "cap_name",
        "cap_type",
        "origin_kind",
        "origin_name",
    ];
    let when = Fields::of(fields.required("when", problems)?, "when", names, problems)?;
    let effect_kind = when.optional_text("effect_kind", Pattern::Kind, problems);
    let cap_name = when.optional_text("cap_name", Pattern::Identifier, problems);
    let cap_type = when.optional_text("cap_type", Pattern::Kind, problems);
    let origin_name = when.optional_text("origin_name", Pattern::Name, problems);
    let origin_kind = match when.get("origin_kind") {
        Some(later) => Some(At {
            it: when.choice("origin_kind", &ORIGINS, problems)?,
            place: later.place(),
        }),
        None => None,
    };
    Some(RawRule {
        place: fields.place(),
        decision: fields.get("decision")?.place(),
        effect_kind: effect_kind?,
        cap_name: cap_name?,
        cap_type: cap_type?,
        origin_kind,
        origin_name: origin_name?,
        allow: allow?,
    })
}

pub struct Secret {
    pub allowed_caps: Vec<At<String>>,
    pub allowed_plans: Vec<At<String>>,
}

impl Secret {
    pub fn read(fields: &Fields, problems: &mut Problems) -> Option<Secret> {
        fields.text("binding_id", Pattern::Free, problems);
        fields.hash("expected_digest", problems);
        let allowed_caps = fields.texts("allowed_caps", Pattern::Identifier, problems);
        let allowed_plans = fields.texts("allowed_plans", Pattern::Name, problems);
        Some(Secret {
            allowed_caps,
            allowed_plans,
        })
    }
}
