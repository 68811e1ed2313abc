//! What the documents of a world, and the code of its reducers, compare with: hosts and paths that
//! grants allow, methods, literals of guards and parameters, numbers.
//!
//! A value that is drawn at random never meets these; one that is drawn from them does. Draws
//! nothing itself.

use std::collections::BTreeSet;

use sim_air::{Air, Expr, ExprOrValue, Op, Value};
use sim_kernel::World;

/// At most so many of each kind are kept, the first ones in order.
const MOST: usize = 256;

/// The constants of a world, each kind in order and without repetition.
#[derive(Clone, Default, Debug)]
pub struct Constants {
    /// Texts, as documents and code have them.
    pub texts: Vec<String>,
    /// Numbers, and those beside them.
    pub numbers: Vec<u64>,
    /// URLs that the grants of the world allow.
    pub urls: Vec<String>,
    /// Methods that they allow.
    pub methods: Vec<String>,
}

/// In which code counts time, in ns.
const COUNTED_IN: [u64; 4] = [1, 1_000, 1_000_000, 1_000_000_000];
/// Shorter spans are met without knowing them, and nobody waits for longer ones: a millisecond, and
/// a year.
const SPANS_NS: std::ops::RangeInclusive<u64> = 1_000_000..=31_536_000_000_000_000;

/// The spans of time that numbers may be, in ns, in order and without repetition.
pub fn spans_ns(numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let spans = numbers
        .into_iter()
        .filter(|number| *number > 1)
        .flat_map(|number| COUNTED_IN.map(|unit| number.checked_mul(unit)));
    let spans: BTreeSet<u64> = spans
        .flatten()
        .filter(|span| SPANS_NS.contains(span))
        .collect();
    spans.into_iter().collect()
}

/// Gathers them.
#[derive(Default)]
struct Gathering {
    texts: BTreeSet<String>,
    numbers: BTreeSet<u64>,
}

impl Constants {
    /// Those of the documents of a world and of its code.
    pub fn of(world: &World) -> Constants {
        let air = &world.air;
        let mut found = Gathering::default();
        for plan in &air.plans {
            plan.invariants.iter().for_each(|expr| found.of_expr(expr));
            let guards = plan.edges.iter().filter_map(|edge| edge.when.as_ref());
            guards.for_each(|guard| found.of_expr(guard));
            plan.steps.iter().for_each(|step| found.of_op(&step.op));
        }
        for reducer in air.reducer_ids() {
            let constants = world.code(reducer).constants();
            found.texts.extend(constants.texts().iter().cloned());
            let numbers = constants.numbers().iter();
            found
                .numbers
                .extend(numbers.filter_map(|number| u64::try_from(*number).ok()));
        }
        let (urls, methods) = allowed_by_grants(air);
        let first = |set: BTreeSet<String>| set.into_iter().take(MOST).collect();
        Constants {
            texts: first(found.texts),
            numbers: found.numbers.into_iter().take(MOST).collect(),
            urls,
            methods,
        }
    }
}

impl Gathering {
    fn of_op(&mut self, op: &Op) {
        match op {
            Op::RaiseEvent { value, .. } => self.of_either(value),
            Op::EmitEffect {
                params,
                idempotency_key,
                ..
            } => {
                self.of_either(params);
                idempotency_key.iter().for_each(|key| self.of_expr(key));
            }
            Op::AwaitReceipt { .. } => {}
            Op::AwaitEvent { condition, .. } => {
                condition
                    .iter()
                    .for_each(|condition| self.of_expr(condition));
            }
            Op::Assign { expr, .. } => self.of_either(expr),
            Op::End { result } => result.iter().for_each(|result| self.of_either(result)),
        }
    }

    fn of_either(&mut self, either: &ExprOrValue) {
        match either {
            ExprOrValue::Expr(expr) => self.of_expr(expr),
            ExprOrValue::Value(value) => self.of_value(value),
        }
    }

    fn of_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Reference(_) => {}
            Expr::Constant(value) => self.of_value(value),
            Expr::Record(fields) => fields.iter().for_each(|(_, expr)| self.of_expr(expr)),
            Expr::List(items) | Expr::Set(items) => items.iter().for_each(|it| self.of_expr(it)),
            Expr::Map(entries) => entries.iter().for_each(|(key, value)| {
                self.of_expr(key);
                self.of_expr(value);
            }),
            Expr::Variant { value, .. } => value.iter().for_each(|value| self.of_expr(value)),
            Expr::Operation { args, .. } => args.iter().for_each(|arg| self.of_expr(arg)),
        }
    }

    fn of_value(&mut self, value: &Value) {
        match value {
            Value::Text(text) => {
                self.texts.insert(text.clone());
            }
            Value::Nat(number) => {
                self.numbers.insert(*number);
            }
            Value::Int(number) => {
                self.numbers.extend(u64::try_from(*number).ok());
            }
            Value::List(items) => items.iter().for_each(|item| self.of_value(item)),
            Value::Map(entries) => entries.iter().for_each(|(_, value)| self.of_value(value)),
            Value::Variant { value, .. } => self.of_value(value),
            Value::Null | Value::Bool(_) | Value::Bytes(_) => {}
        }
    }
}

/// URLs and methods of the allow-lists of grants for HTTP: a few of each combination.
fn allowed_by_grants(air: &Air) -> (Vec<String>, Vec<String>) {
    let (mut urls, mut methods) = (BTreeSet::new(), BTreeSet::new());
    for grant in air
        .grants
        .iter()
        .filter(|grant| grant.cap_type == "http.out")
    {
        let list = |name: &str| -> Option<Vec<String>> {
            let Some(Value::List(items)) = grant.params.field(name) else {
                return None;
            };
            let texts = items.iter().map(|item| match item {
                Value::Text(text) => text.clone(),
                other => other
                    .as_nat()
                    .map_or_else(String::new, |port| port.to_string()),
            });
            Some(texts.collect())
        };
        let or = |name: &str, plain: &str| list(name).unwrap_or_else(|| vec![plain.to_owned()]);
        let ports = list("ports").map_or_else(
            || vec![String::new()],
            |ports| ports.iter().map(|port| format!(":{port}")).collect(),
        );
        for scheme in or("schemes", "https") {
            for host in or("hosts", "example.com") {
                for port in &ports {
                    for prefix in or("path_prefixes", "/") {
                        urls.insert(format!("{scheme}://{host}{port}{prefix}"));
                    }
                }
            }
        }
        methods.extend(or("methods", "GET"));
        methods.extend(list("methods").is_none().then(|| "POST".to_owned()));
    }
    let first = |set: BTreeSet<String>| set.into_iter().take(MOST).collect();
    (first(urls), first(methods))
}
