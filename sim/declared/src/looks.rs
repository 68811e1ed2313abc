//! What an expression reads: the variables, and what of each is looked at.

use cel::common::ast::{EntryExpr, Expr};
use cel::parser::Expression;

/// The variables that an expression reads.
pub(crate) fn variables_of(expression: &Expression) -> Vec<String> {
    Looks::of(expression).roots
}

/// What an expression reads, as it is written: `event.tag`.
pub(crate) fn paths_of(expression: &Expression) -> Vec<String> {
    let looks = Looks::of(expression).looks.into_iter();
    looks.map(|(path, _)| path).collect()
}

/// The variables that an expression reads, and what of each.
#[derive(Default)]
pub(crate) struct Looks {
    /// The variables.
    pub roots: Vec<String>,
    /// What of them, as it is written.
    pub looks: Vec<(String, Expression)>,
    locals: Vec<String>,
}

impl Looks {
    pub fn of(expression: &Expression) -> Looks {
        let mut looks = Looks::default();
        looks.gather(expression);
        looks
    }

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
pub(crate) fn path(expression: &Expression) -> Option<String> {
    match &expression.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            Some(format!("{}.{}", path(&select.operand)?, select.field))
        }
        _ => None,
    }
}
