//! A condition: an expression of CEL, parsed, checked against the schemas, evaluated.

use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::common::types::CelBool;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::parser::Expression;
use cel::{Context, Value as CelValue};

use crate::antecedent::{self, conjuncts};
use crate::compiled::{self, Halt, Item, Node, Surroundings};
use crate::expand::Definitions;
use crate::fields::words;
use crate::functions::{ENV, with_own_arithmetic};
use crate::looks::{Looks, variables_of};
use crate::shape::{Checker, Shape, Wanted, is_of_moment};
use sim_air::Schemas;

/// The longest condition that is read, in bytes.
const MOST_BYTES: usize = 16 << 10;
/// The deepest that a condition may be nested: all that go through one do so by recursion.
const MOST_DEPTH: usize = 100;
/// The most loops within each other: each multiplies the time that the others take.
const MOST_LOOPS: usize = 4;
/// The most parts that are evaluated at a time, as far as the condition itself says it.
const MOST_WORK: u64 = 1_000_000;
/// So long is a list of which that is not said: few worlds have more cells.
const USUAL_ITEMS: u64 = 8;
/// Enough for the longest condition, however deep it is nested.
const STACK_BYTES: usize = 256 << 20;
/// A value is shown by so many characters.
const MOST_SHOWN: usize = 120;

/// A condition, or any expression.
#[derive(Debug)]
pub(crate) struct Condition {
    /// As it is written.
    pub source: String,
    expression: Expression,
    /// The variables that it reads.
    pub reads: Vec<String>,
    /// What of them it looks at, as it is written, for what was found.
    looks: Vec<(String, Expression)>,
    /// What must all be true for it to be, as far as that reads nothing but the moment.
    guards: Vec<Expression>,
    compiled: Option<Compiled>,
}

/// A condition in the form that is evaluated without a copy of what it looks at.
#[derive(Debug)]
struct Compiled {
    whole: Node,
    guards: Vec<Node>,
}

/// What is wrong with a condition, and a hint.
pub(crate) type Problem = (String, Option<String>);

/// The variables of one evaluation.
#[derive(Default)]
pub(crate) struct Variables {
    own: Vec<(String, Box<dyn Val>)>,
    /// Those of the moment, which others see too.
    shared: Option<Arc<Variables>>,
}

impl Variables {
    /// Beside those of the moment.
    pub fn beside(shared: Arc<Variables>) -> Variables {
        Variables {
            own: Vec::new(),
            shared: Some(shared),
        }
    }

    pub fn set(&mut self, name: &str, val: Box<dyn Val>) {
        self.own.push((name.to_owned(), val));
    }
}

impl VariableResolver for Variables {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let known = self.own.iter().find(|(known, _)| known == name);
        match known {
            Some((_, val)) => Some(CowVal::Borrowed(&**val)),
            None => self.shared.as_ref()?.resolve(name),
        }
    }
}

impl Condition {
    /// Parses and checks it: it may read these variables and what is defined, and gives what is
    /// wanted.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(
        source: &str,
        schemas: &Schemas,
        (variables, definitions): (&[(String, Shape)], &Definitions),
        wanted: Wanted,
    ) -> Result<Condition, Vec<Problem>> {
        let problem = |what: String| Err(vec![(what, None)]);
        let mut expression = match read(source) {
            Ok(expression) => expression,
            Err(what) => return problem(what),
        };
        let used = match definitions.expand(&mut expression) {
            Ok(used) => used,
            Err(what) => return problem(what),
        };
        if let Err(what) = bounded(&expression) {
            return problem(what);
        }
        let names: Vec<&str> = definitions.names().collect();
        let checker = || Checker::new(schemas, variables, &names);
        for definition in used.iter().filter_map(|name| definitions.find(name)) {
            let mut checker = checker();
            checker.look(&definition.expression);
            if !checker.problems.is_empty() {
                let problems = checker.problems.into_iter();
                let name = &definition.name;
                let of = |(what, hint)| (format!("`{name}`, as it is defined: {what}"), hint);
                return Err(problems.map(of).collect());
            }
        }
        let mut checker = checker();
        let shape = checker.look(&expression);
        checker.want(&shape, wanted);
        if !checker.problems.is_empty() {
            return Err(checker.problems);
        }
        let looks = Looks::of(&expression);
        with_own_arithmetic(&mut expression);
        Ok(Condition::new(source, expression, looks))
    }

    fn new(source: &str, expression: Expression, looks: Looks) -> Condition {
        let mut reads: Vec<String> = looks.roots;
        reads.sort();
        reads.dedup();
        let mut guards = Vec::new();
        conjuncts(&expression, &mut guards);
        let is_guard = |guard: &Expression| variables_of(guard).iter().all(|it| is_of_moment(it));
        guards.retain(is_guard);
        let of_guards = guards.iter().map(compiled::build).collect();
        let compiled = compiled::build(&expression).zip(of_guards);
        Condition {
            guards,
            compiled: compiled.map(|(whole, guards)| Compiled { whole, guards }),
            source: source.trim().to_owned(),
            expression,
            reads,
            looks: looks.looks,
        }
    }

    /// The part of it that says what it is about; see [`crate::antecedent`].
    pub fn antecedent(&self, find: fn(&Expression) -> Option<Expression>) -> Option<Condition> {
        let expression = find(&self.expression)?;
        let looks = Looks::of(&expression);
        Some(Condition::new(&self.source, expression, looks))
    }

    /// It and another together, called as it is.
    pub fn and(self, other: Condition) -> Condition {
        let both = antecedent::joined([self.expression, other.expression]);
        let expression = both.expect("there are two");
        let looks = Looks::of(&expression);
        Condition::new(&self.source, expression, looks)
    }

    /// Evaluates it, and reads what it gives.
    ///
    /// # Errors
    /// Why it gives nothing.
    pub fn evaluate<R>(
        &self,
        variables: &Variables,
        read: impl FnOnce(&dyn Val) -> R,
    ) -> Result<R, String> {
        let mut context = Context::with_env(ENV.clone());
        context.set_variable_resolver(variables);
        match CelValue::resolve_val(&self.expression, &context) {
            Ok(val) => Ok(read(&*val)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What the compiled form of it gives.
    ///
    /// # Errors
    /// If the crate gives an error, or it cannot be told what it gives.
    pub fn seen<'a>(&'a self, surroundings: &impl Surroundings<'a>) -> Result<Item<'a>, Halt> {
        let compiled = self.compiled.as_ref().ok_or(Halt::Unsure)?;
        compiled::evaluate(&compiled.whole, surroundings)
    }

    /// Whether the compiled form of it is true.
    ///
    /// # Errors
    /// If it is neither true nor false, or that cannot be told.
    pub fn is_seen<'a>(&'a self, surroundings: &impl Surroundings<'a>) -> Result<bool, Halt> {
        let compiled = self.compiled.as_ref().ok_or(Halt::Unsure)?;
        compiled::holds(&compiled.whole, surroundings)
    }

    /// Whether the compiled form of it cannot be true, whatever it reads beside the moment.
    ///
    /// # Errors
    /// If that cannot be told.
    pub fn is_seen_ruled_out<'a>(
        &'a self,
        surroundings: &impl Surroundings<'a>,
    ) -> Result<bool, Halt> {
        let compiled = self.compiled.as_ref().ok_or(Halt::Unsure)?;
        for guard in &compiled.guards {
            match compiled::holds(guard, surroundings) {
                Ok(false) => return Ok(true),
                Err(Halt::Unsure) => return Err(Halt::Unsure),
                _ => {}
            }
        }
        Ok(false)
    }

    /// Whether there is a compiled form of it.
    pub fn is_compiled(&self) -> bool {
        self.compiled.is_some()
    }

    /// Whether it is true.
    ///
    /// # Errors
    /// If it is neither true nor false.
    pub fn holds(&self, variables: &Variables) -> Result<bool, String> {
        self.evaluate(variables, |val| {
            let flag = val.downcast_ref::<CelBool>().map(|flag| *flag.inner());
            flag.ok_or_else(|| format!("it is {}, and neither true nor false", words(val)))
        })?
    }

    /// Whether it cannot be true, whatever it reads beside the moment.
    pub fn is_ruled_out(&self, variables: &Variables) -> bool {
        let mut context = Context::with_env(ENV.clone());
        context.set_variable_resolver(variables);
        self.guards.iter().any(|guard| {
            let val = CelValue::resolve_val(guard, &context);
            let flag = val
                .as_ref()
                .ok()
                .and_then(|val| val.downcast_ref::<CelBool>());
            flag.is_some_and(|flag| !*flag.inner())
        })
    }

    /// Whether it reads nothing but the moment.
    pub fn is_of_moment(&self) -> bool {
        self.reads.iter().all(|name| is_of_moment(name))
    }

    /// The maps of `each` that it reads; None is all of them.
    pub fn each(&self) -> Option<Vec<&str>> {
        let of_each = self.looks.iter().filter_map(|(path, _)| {
            let rest = path.strip_prefix("each")?;
            Some(
                rest.strip_prefix('.')
                    .and_then(|rest| rest.split('.').next()),
            )
        });
        of_each.collect()
    }

    /// What it looked at, in words: numbers, texts and bools first.
    pub fn looked_at(&self, variables: &Variables) -> String {
        let mut context = Context::with_env(ENV.clone());
        context.set_variable_resolver(variables);
        let (mut shown, mut whole): (Vec<String>, Vec<String>) = Default::default();
        for (source, expression) in &self.looks {
            let Ok(val) = CelValue::resolve_val(expression, &context) else {
                continue;
            };
            let mut text = words(&*val);
            if text.chars().count() > MOST_SHOWN {
                text = text.chars().take(MOST_SHOWN).collect::<String>() + "…";
            }
            // What differs from run to run comes last: failures are told apart by the rest.
            let is_whole = val.as_iterable().is_some() || text.ends_with('…');
            let line = format!("{source} = {text}");
            let lines = if is_whole { &mut whole } else { &mut shown };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        if shown.is_empty() {
            shown.push("not so".to_owned());
        }
        let parts = [shown.join(", "), whole.join(", ")];
        parts[..1 + usize::from(!whole.is_empty())].join("; ")
    }

    /// The text that it is, if it is nothing but that.
    pub fn constant(&self) -> Option<Arc<str>> {
        match &self.expression.expr {
            Expr::Literal(LiteralValue::String(text)) => Some(text.inner().into()),
            _ => None,
        }
    }

    /// Whether of the event it reads the tag alone.
    pub fn reads_only_tag(&self) -> bool {
        let mut of_event = self
            .looks
            .iter()
            .filter(|(path, _)| path.split('.').next() == Some("event"));
        of_event.all(|(path, _)| path == "event.tag")
    }

    /// The texts that what stands at a path must be, one of them, for it to be true.
    pub fn compared_with(&self, path: &str) -> Vec<String> {
        antecedent::texts(&self.expression, path)
    }

    /// Whether it reads a variable.
    pub fn has(&self, variable: &str) -> bool {
        self.reads.iter().any(|known| known == variable)
    }
}

/// Whether conditions can read a variable of that name.
pub(crate) fn is_variable(name: &str) -> bool {
    read(name).is_ok_and(|read| matches!(read.expr, Expr::Ident(ident) if ident == name))
}

/// Whether an expression is nested no deeper than is allowed.
fn bounded(expression: &Expression) -> Result<(), String> {
    match depth(expression) {
        (levels, _) if levels > MOST_DEPTH => Err(too_deep()),
        (_, loops) if loops > MOST_LOOPS => Err(format!(
            "more than {MOST_LOOPS} loops stand within each other"
        )),
        _ if work(expression) > MOST_WORK => Err(format!(
            "the loops take more than {MOST_WORK} steps each time"
        )),
        _ => Ok(()),
    }
}

/// The expression of a source, on a stack of its own: it may be nested as deep as it is long.
pub(crate) fn read(source: &str) -> Result<Expression, String> {
    if source.len() > MOST_BYTES {
        return Err(format!("the condition is longer than {MOST_BYTES} bytes"));
    }
    let parse = || match ENV.compile(source) {
        Ok(program) => {
            bounded(program.expression())?;
            Ok(program.expression().clone())
        }
        Err(errors) => {
            let first = errors.errors.first();
            let (line, column) = first.map_or((1, 1), |error| error.pos);
            let what = first.map_or("no expression", |error| error.msg.as_str());
            Err(no_condition(what, (line, column)))
        }
    };
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
        let thread = builder.spawn_scoped(scope, parse);
        let thread = thread.map_err(|error| format!("no thread to read it on: {error}"))?;
        thread
            .join()
            .unwrap_or_else(|_| Err("it cannot be read".to_owned()))
    })
}

fn too_deep() -> String {
    format!("the condition is nested deeper than {MOST_DEPTH} levels")
}

/// What the parser says, in fewer words.
fn no_condition(what: &str, (line, column): (isize, isize)) -> String {
    if what.contains("Recursion limit") {
        return too_deep();
    }
    let what = what.strip_prefix("Syntax error: ").unwrap_or(what);
    let what = what.split(" expecting {").next().unwrap_or(what);
    let what = match what.ends_with("'<EOF>'") {
        true => "it ends too early",
        false => what,
    };
    format!("no condition: {what}, at {line}:{column} within it")
}

/// How many parts of an expression are evaluated at a time.
fn work(expression: &Expression) -> u64 {
    let sum = |parts: &mut dyn Iterator<Item = &Expression>| {
        parts.fold(1_u64, |all, part| all.saturating_add(work(part)))
    };
    match &expression.expr {
        Expr::Comprehension(all) => {
            let items = match &all.iter_range.expr {
                Expr::List(list) => list.elements.len() as u64,
                _ => USUAL_ITEMS,
            };
            let within = sum(&mut [&all.loop_cond, &all.loop_step].into_iter());
            let around = sum(&mut [&all.iter_range, &all.accu_init, &all.result].into_iter());
            items.saturating_mul(within).saturating_add(around)
        }
        Expr::Call(call) => sum(&mut call.target.as_deref().into_iter().chain(&call.args)),
        Expr::List(list) => sum(&mut list.elements.iter()),
        Expr::Select(select) => sum(&mut std::iter::once(&*select.operand)),
        _ => 1,
    }
}

/// How deep an expression is nested, and how many loops are within each other.
fn depth(expression: &Expression) -> (usize, usize) {
    let deepest = |parts: &mut dyn Iterator<Item = &Expression>| {
        parts.fold((0, 0), |(levels, loops), part| {
            let of_part = depth(part);
            (levels.max(of_part.0), loops.max(of_part.1))
        })
    };
    let (levels, loops) = match &expression.expr {
        Expr::Call(call) => deepest(&mut call.target.as_deref().into_iter().chain(&call.args)),
        Expr::Comprehension(all) => {
            let around = deepest(&mut [&all.iter_range, &all.accu_init].into_iter());
            let within = [&all.loop_cond, &all.loop_step, &all.result];
            let within = deepest(&mut within.into_iter());
            (around.0.max(within.0), around.1.max(within.1 + 1))
        }
        Expr::List(list) => deepest(&mut list.elements.iter()),
        Expr::Map(map) => {
            let entries = map.entries.iter().filter_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => Some([&entry.key, &entry.value]),
                EntryExpr::StructField(_) => None,
            });
            deepest(&mut entries.flatten())
        }
        Expr::Select(select) => deepest(&mut std::iter::once(&*select.operand)),
        _ => (0, 0),
    };
    (levels + 1, loops)
}
