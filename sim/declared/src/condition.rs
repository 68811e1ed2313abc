//! A condition: an expression of CEL, parsed, checked against the schemas, evaluated.

use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr, LiteralValue};
use cel::common::types::CelBool;
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::parser::Expression;
use cel::{Context, Value as CelValue};

use crate::fields::words;
use crate::functions::{ENV, with_own_arithmetic};
use crate::shape::{Checker, Shape};
use sim_air::Schemas;

/// The longest condition that is read, in bytes.
const MOST_BYTES: usize = 16 << 10;
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
}

/// What is wrong with a condition, and a hint.
pub(crate) type Problem = (String, Option<String>);

/// The variables of one evaluation.
#[derive(Default)]
pub(crate) struct Variables {
    all: Vec<(String, Box<dyn Val>)>,
    /// So many stay.
    kept: usize,
}

impl Variables {
    pub fn set(&mut self, name: &str, val: Box<dyn Val>) {
        self.all.push((name.to_owned(), val));
    }

    /// What is set by now stays when the rest is [forgotten](Variables::forget).
    pub fn keep(&mut self) {
        self.kept = self.all.len();
    }

    pub fn forget(&mut self) {
        self.all.truncate(self.kept);
    }
}

impl VariableResolver for Variables {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let known = self.all.iter().find(|(known, _)| known == name);
        known.map(|(_, val)| CowVal::Borrowed(&**val))
    }
}

impl Condition {
    /// Parses and checks it: it may read these variables.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(
        source: &str,
        schemas: &Schemas,
        variables: &[(String, Shape)],
    ) -> Result<(Condition, Shape), Vec<Problem>> {
        let problem = |what: String| Err(vec![(what, None)]);
        if source.len() > MOST_BYTES {
            return problem(format!("longer than {MOST_BYTES} bytes"));
        }
        let program = match ENV.compile(source) {
            Ok(program) => program,
            Err(errors) => {
                let first = errors.errors.first();
                let (line, column) = first.map_or((1, 1), |error| error.pos);
                let what = first.map_or("no expression", |error| error.msg.as_str());
                return problem(format!("no condition: {line}:{column}: {what}"));
            }
        };
        let mut expression = program.expression().clone();
        let mut checker = Checker::new(schemas, variables);
        let shape = checker.look(&expression);
        if !checker.problems.is_empty() {
            return Err(checker.problems);
        }
        let mut found = Looks::default();
        found.gather(&expression);
        let mut reads: Vec<String> = found.roots;
        reads.sort();
        reads.dedup();
        with_own_arithmetic(&mut expression);
        let condition = Condition {
            source: source.trim().to_owned(),
            expression,
            reads,
            looks: found.looks,
        };
        Ok((condition, shape))
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

    /// Whether it reads a variable.
    pub fn has(&self, variable: &str) -> bool {
        self.reads.iter().any(|known| known == variable)
    }
}

/// The variables that an expression reads, and what of each.
#[derive(Default)]
struct Looks {
    roots: Vec<String>,
    looks: Vec<(String, Expression)>,
    locals: Vec<String>,
}

impl Looks {
    fn gather(&mut self, expression: &Expression) {
        if let Some(path) = path(expression) {
            let root = path.split(['.', '[']).next().unwrap_or_default();
            if !self.locals.iter().any(|local| local == root) && !root.starts_with('@') {
                self.roots.push(root.to_owned());
                self.looks.push((path, expression.clone()));
            }
            return;
        }
        match &expression.expr {
            Expr::Call(call) => {
                call.target.iter().for_each(|target| self.gather(target));
                call.args.iter().for_each(|arg| self.gather(arg));
            }
            Expr::Comprehension(all) => {
                self.gather(&all.iter_range);
                let count = self.locals.len();
                self.locals.push(all.iter_var.clone());
                self.locals.push(all.accu_var.clone());
                let within = [&all.accu_init, &all.loop_cond, &all.loop_step, &all.result];
                within.into_iter().for_each(|part| self.gather(part));
                self.locals.truncate(count);
            }
            Expr::List(list) => list.elements.iter().for_each(|item| self.gather(item)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.gather(&entry.key);
                        self.gather(&entry.value);
                    }
                }
            }
            Expr::Select(select) => self.gather(&select.operand),
            _ => {}
        }
    }
}

/// `a.b.c`, if it is written so.
fn path(expression: &Expression) -> Option<String> {
    match &expression.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            Some(format!("{}.{}", path(&select.operand)?, select.field))
        }
        _ => None,
    }
}
