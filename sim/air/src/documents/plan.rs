//! `defplan`: steps and the edges between them.

use super::fields::{self, Fields};
use crate::json::{Json, Later};
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::patterns::Pattern;

pub const FIELDS: &[&str] = &[
    "name",
    "input",
    "output",
    "locals",
    "steps",
    "edges",
    "required_caps",
    "allowed_effects",
    "invariants",
];
const MAX_STEPS: usize = 1024;
const MAX_EDGES: usize = 8192;

pub struct RawPlan<'a> {
    pub input: At<String>,
    pub output: Option<At<String>>,
    /// Variable and schema.
    pub locals: Vec<(At<String>, At<String>)>,
    pub steps: Vec<RawStep<'a>>,
    pub edges: Vec<RawEdge<'a>>,
    pub required_caps: Option<(SourcePlace, Vec<At<String>>)>,
    pub allowed_effects: Option<(SourcePlace, Vec<At<String>>)>,
    pub invariants: Vec<Later<'a>>,
}

pub struct RawEdge<'a> {
    pub place: SourcePlace,
    pub from: At<String>,
    pub to: At<String>,
    pub when: Option<Later<'a>>,
}

pub struct RawStep<'a> {
    pub id: At<String>,
    pub operation: RawOperation<'a>,
}

pub enum RawOperation<'a> {
    RaiseEvent {
        event: At<String>,
        value: Later<'a>,
    },
    EmitEffect {
        kind: At<String>,
        params: Later<'a>,
        cap: At<String>,
        idempotency_key: Option<Later<'a>>,
        handle: At<String>,
    },
    AwaitReceipt {
        receipt_for: Later<'a>,
        var: At<String>,
    },
    AwaitEvent {
        place: SourcePlace,
        event: At<String>,
        condition: Option<Later<'a>>,
        var: At<String>,
    },
    Assign {
        expr: Later<'a>,
        var: At<String>,
    },
    End {
        place: SourcePlace,
        result: Option<Later<'a>>,
    },
}

#[derive(Clone, Copy)]
enum Word {
    Raise,
    Emit,
    AwaitReceipt,
    AwaitEvent,
    Assign,
    End,
}

const WORDS: [(&str, Word); 6] = [
    ("raise_event", Word::Raise),
    ("emit_effect", Word::Emit),
    ("await_receipt", Word::AwaitReceipt),
    ("await_event", Word::AwaitEvent),
    ("assign", Word::Assign),
    ("end", Word::End),
];

impl<'a> RawPlan<'a> {
    pub fn read(fields: &Fields<'a>, problems: &mut Problems) -> Option<RawPlan<'a>> {
        let input = fields.text("input", Pattern::Name, problems);
        let output = fields.optional_text("output", Pattern::Name, problems);
        let locals = fields.named("locals", Pattern::Identifier, problems);
        let locals = locals.into_iter().filter_map(|(name, schema)| {
            Some((name, fields::text(schema, Pattern::Name, problems)?))
        });
        let locals = locals.collect();
        fields.required("steps", problems)?;
        let steps = fields.items("steps", problems);
        if let Some(later) = fields.get("steps").filter(|_| steps.is_empty()) {
            let is_empty = matches!(&later.node.json, Json::Array(items) if items.is_empty());
            if is_empty {
                let problem = Problem::new(later.place(), "a plan without steps");
                problems.push(problem.expected("one step at least, such as `end`"));
            }
        }
        let edges = fields.items("edges", problems);
        if steps.len() > MAX_STEPS || edges.len() > MAX_EDGES {
            let message = format!("more than {MAX_STEPS} steps or {MAX_EDGES} edges");
            problems.push(Problem::new(fields.place(), message));
            return None;
        }
        let (step_count, edge_count) = (steps.len(), edges.len());
        let read = steps
            .into_iter()
            .filter_map(|step| read_step(step, problems));
        let steps: Vec<RawStep> = read.collect();
        let read = edges
            .into_iter()
            .filter_map(|edge| read_edge(edge, problems));
        let edges: Vec<RawEdge> = read.collect();
        let mut list = |name, pattern| {
            let place = fields.get(name)?.place();
            Some((place, fields.texts(name, pattern, problems)))
        };
        let required_caps = list("required_caps", Pattern::Identifier);
        let allowed_effects = list("allowed_effects", Pattern::Kind);
        let invariants = fields.items("invariants", problems);
        let complete = steps.len() == step_count && edges.len() == edge_count;
        complete.then_some(())?;
        Some(RawPlan {
            input: input?,
            output: output?,
            locals,
            steps,
            edges,
            required_caps,
            allowed_effects,
            invariants,
        })
    }
}

fn read_edge<'a>(later: Later<'a>, problems: &mut Problems) -> Option<RawEdge<'a>> {
    let fields = Fields::of(later, "edge", &["from", "to", "when"], problems)?;
    let from = fields.text("from", Pattern::Identifier, problems);
    let to = fields.text("to", Pattern::Identifier, problems);
    Some(RawEdge {
        place: later.place(),
        from: from?,
        to: to?,
        when: fields.get("when"),
    })
}

fn read_step<'a>(later: Later<'a>, problems: &mut Problems) -> Option<RawStep<'a>> {
    let all = &[
        "id",
        "op",
        "event",
        "value",
        "kind",
        "params",
        "cap",
        "idempotency_key",
        "bind",
        "for",
        "where",
        "expr",
        "result",
    ];
    let word = Fields::of(later, "step", all, problems)?.choice("op", &WORDS, problems)?;
    let (what, names): (_, &[&str]) = match word {
        Word::Raise => ("raise_event", &["id", "op", "event", "value"]),
        Word::Emit => (
            "emit_effect",
            &[
                "id",
                "op",
                "kind",
                "params",
                "cap",
                "idempotency_key",
                "bind",
            ],
        ),
        Word::AwaitReceipt => ("await_receipt", &["id", "op", "for", "bind"]),
        Word::AwaitEvent => ("await_event", &["id", "op", "event", "where", "bind"]),
        Word::Assign => ("assign", &["id", "op", "expr", "bind"]),
        Word::End => ("end", &["id", "op", "result"]),
    };
    let known = |key: &str| all.contains(&key);
    let misplaced = later.node.members().iter().filter(|it| known(&it.key));
    for member in misplaced.filter(|member| !names.contains(&member.key.as_str())) {
        let place = SourcePlace {
            file: later.file,
            offset: member.start,
        };
        let message = format!("{what} has no field `{}`", member.key);
        problems
            .push(Problem::new(place, message).expected(format!("one of {}", names.join(", "))));
    }
    let fields = Fields::of(later, "step", all, &mut Problems::default())?;
    let id = fields.text("id", Pattern::Identifier, problems);
    let operation = read_operation(word, &fields, problems);
    Some(RawStep {
        id: id?,
        operation: operation?,
    })
}

fn read_operation<'a>(
    word: Word,
    fields: &Fields<'a>,
    problems: &mut Problems,
) -> Option<RawOperation<'a>> {
    Some(match word {
        Word::Raise => {
            let event = fields.text("event", Pattern::Name, problems);
            let value = fields.required("value", problems);
            RawOperation::RaiseEvent {
                event: event?,
                value: value?,
            }
        }
        Word::Emit => {
            let kind = fields.text("kind", Pattern::Kind, problems);
            let params = fields.required("params", problems);
            let cap = fields.text("cap", Pattern::Identifier, problems);
            let idempotency_key = fields.get("idempotency_key");
            let handle = bound(fields, "effect_id_as", problems)?;
            RawOperation::EmitEffect {
                kind: kind?,
                params: params?,
                cap: cap?,
                idempotency_key,
                handle,
            }
        }
        Word::AwaitReceipt => {
            let receipt_for = fields.required("for", problems);
            let var = bound(fields, "as", problems);
            RawOperation::AwaitReceipt {
                receipt_for: receipt_for?,
                var: var?,
            }
        }
        Word::AwaitEvent => {
            let event = fields.text("event", Pattern::Name, problems);
            let condition = fields.get("where");
            let var = bound(fields, "as", problems);
            RawOperation::AwaitEvent {
                place: fields.place(),
                event: event?,
                condition,
                var: var?,
            }
        }
        Word::Assign => {
            let expr = fields.required("expr", problems);
            let var = bound(fields, "as", problems);
            RawOperation::Assign {
                expr: expr?,
                var: var?,
            }
        }
        Word::End => RawOperation::End {
            place: fields.place(),
            result: fields.get("result"),
        },
    })
}

/// The variable in `bind`.
fn bound(fields: &Fields, name: &'static str, problems: &mut Problems) -> Option<At<String>> {
    let bind = fields.required("bind", problems)?;
    Fields::of(bind, "bind", &[name], problems)?.text(name, Pattern::Identifier, problems)
}
