//! Names for expressions that recur: what they stand for is put in their place.

use cel::common::ast::{EntryExpr, Expr};
use cel::parser::Expression;

/// So many parts of expressions may be put in the place of the names in one.
const MOST_PARTS: usize = 20_000;

/// A name, and what it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub name: String,
    /// In which all other names have been replaced.
    pub expression: Expression,
    /// The names that it uses, those that they use among them, each after what it uses.
    pub uses: Vec<String>,
    /// The variables that it reads.
    pub reads: Vec<String>,
}

/// All that a file defines.
#[derive(Clone, Default, Debug)]
pub(crate) struct Definitions {
    all: Vec<Definition>,
    /// Names whose definitions cannot be read.
    broken: Vec<String>,
}

impl Definitions {
    pub fn add(&mut self, definition: Definition) {
        self.all.push(definition);
    }

    pub fn add_broken(&mut self, name: &str) {
        self.broken.push(name.to_owned());
    }

    pub fn find(&self, name: &str) -> Option<&Definition> {
        self.all.iter().find(|known| known.name == name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|known| known.name.as_str())
    }

    /// Puts what is defined in the place of each name in an expression. Gives the names that it
    /// used, each after what it uses itself.
    ///
    /// # Errors
    /// Why that cannot be done.
    pub fn expand(&self, expression: &mut Expression) -> Result<Vec<String>, String> {
        let mut expansion = Expansion {
            definitions: self,
            locals: Vec::new(),
            used: Vec::new(),
            parts: 0,
        };
        expansion.expand(expression)?;
        Ok(expansion.used)
    }
}

struct Expansion<'a> {
    definitions: &'a Definitions,
    /// The variables of loops.
    locals: Vec<String>,
    used: Vec<String>,
    /// That were put in.
    parts: usize,
}

impl Expansion<'_> {
    fn expand(&mut self, expression: &mut Expression) -> Result<(), String> {
        if let Expr::Ident(name) = &expression.expr {
            if let Some(defined) = self.defined(name)? {
                *expression = defined;
            }
            return Ok(());
        }
        match &mut expression.expr {
            Expr::Call(call) => {
                let target = call.target.as_deref_mut().into_iter();
                target
                    .chain(&mut call.args)
                    .try_for_each(|part| self.expand(part))
            }
            Expr::Comprehension(all) => {
                self.expand(&mut all.iter_range)?;
                let count = self.locals.len();
                self.locals.push(all.iter_var.clone());
                self.locals.push(all.accu_var.clone());
                let (start, end) = (&mut all.accu_init, &mut all.result);
                let within = [start, &mut all.loop_cond, &mut all.loop_step, end];
                within.into_iter().try_for_each(|part| self.expand(part))?;
                self.locals.truncate(count);
                Ok(())
            }
            Expr::List(list) => list.elements.iter_mut().try_for_each(|it| self.expand(it)),
            Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| {
                let EntryExpr::MapEntry(entry) = &mut entry.expr else {
                    return Ok(());
                };
                self.expand(&mut entry.key)?;
                self.expand(&mut entry.value)
            }),
            Expr::Select(select) => self.expand(&mut select.operand),
            _ => Ok(()),
        }
    }

    /// What a name stands for, if it is defined.
    fn defined(&mut self, name: &str) -> Result<Option<Expression>, String> {
        if self.locals.iter().any(|local| local == name) {
            return Ok(None);
        }
        if self.definitions.broken.iter().any(|known| known == name) {
            return Err(format!("the definition of `{name}` cannot be read"));
        }
        let Some(definition) = self.definitions.find(name) else {
            return Ok(None);
        };
        let is_local = |read: &&String| self.locals.contains(read);
        if let Some(hidden) = definition.reads.iter().find(is_local) {
            return Err(format!(
                "the loop's `{hidden}` hides the one that `{name}` reads: call it otherwise"
            ));
        }
        self.parts += parts(&definition.expression);
        if self.parts > MOST_PARTS {
            return Err(format!(
                "what is defined has more than {MOST_PARTS} parts in the place of its names"
            ));
        }
        for name in definition.uses.iter().chain([&definition.name]) {
            if !self.used.contains(name) {
                self.used.push(name.clone());
            }
        }
        Ok(Some(definition.expression.clone()))
    }
}

/// How many parts an expression has.
fn parts(expression: &Expression) -> usize {
    let all = |list: &mut dyn Iterator<Item = &Expression>| list.map(parts).sum::<usize>();
    let within = match &expression.expr {
        Expr::Call(call) => all(&mut call.target.as_deref().into_iter().chain(&call.args)),
        Expr::Comprehension(it) => {
            let loops = [&it.iter_range, &it.accu_init, &it.loop_cond, &it.loop_step];
            all(&mut loops.into_iter().map(|part| -> &Expression { part })) + parts(&it.result)
        }
        Expr::List(list) => all(&mut list.elements.iter()),
        Expr::Map(map) => {
            let entries = map.entries.iter().map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => parts(&entry.key) + parts(&entry.value),
                EntryExpr::StructField(_) => 1,
            });
            entries.sum()
        }
        Expr::Select(select) => parts(&select.operand),
        _ => 0,
    };
    within + 1
}
