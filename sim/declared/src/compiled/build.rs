//! A condition, built of nodes; None where it holds something that there is no node for.

use std::cmp::Ordering;

use super::node::{Comparison, Constant, Does, Loop, Node, Operation, Saturating, Variable, Where};
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, ListExpr, LiteralValue, operators};
use cel::parser::Expression;

/// Builds an expression whose arithmetic is the harness's own.
pub(crate) fn build(expression: &Expression) -> Option<Node> {
    Builder::default().node(expression)
}

#[derive(Default)]
struct Builder {
    /// The variables of the loops around, the outermost first.
    locals: Vec<String>,
}

impl Builder {
    fn node(&mut self, expression: &Expression) -> Option<Node> {
        match &expression.expr {
            Expr::Literal(literal) => constant(literal).map(Node::Constant),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => {
                let of = Box::new(self.node(&select.operand)?);
                let name = select.field.clone();
                Some(match select.test {
                    true => Node::Has(of, name),
                    false => Node::Select(of, name),
                })
            }
            Expr::List(list) => self.list(list).map(Node::List),
            Expr::Comprehension(all) => self.comprehension(all),
            Expr::Call(call) => match &call.target {
                Some(target) => self.member(call, target),
                None => self.call(call),
            },
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => None,
        }
    }

    fn variable(&self, name: &str) -> Option<Node> {
        if let Some(place) = self.locals.iter().rposition(|local| local == name) {
            return Some(Node::Local(place));
        }
        let is_plain = !name.starts_with(['.', '@']);
        is_plain.then(|| Node::Variable(Variable::named(name)))
    }

    fn list(&mut self, list: &ListExpr) -> Option<Vec<Node>> {
        let items = list.elements.iter().map(|item| self.node(item));
        items
            .collect::<Option<Vec<Node>>>()
            .filter(|_| list.optional_indices.is_empty())
    }

    fn one(&mut self, call: &CallExpr) -> Option<Box<Node>> {
        match call.args.as_slice() {
            [arg] => self.node(arg).map(Box::new),
            _ => None,
        }
    }

    fn two(&mut self, call: &CallExpr) -> Option<Box<[Node; 2]>> {
        match call.args.as_slice() {
            [left, right] => Some(Box::new([self.node(left)?, self.node(right)?])),
            _ => None,
        }
    }

    fn call(&mut self, call: &CallExpr) -> Option<Node> {
        let compare = |comparison| move |two| Node::Compare(comparison, two);
        let calculate = |operation| move |two| Node::Calculate(operation, two);
        let saturate = |operation| calculate(Operation::Saturating(operation));
        Some(match call.func_name.as_str() {
            operators::LOGICAL_AND => Node::And(self.two(call)?),
            operators::LOGICAL_OR => Node::Or(self.two(call)?),
            operators::LOGICAL_NOT => Node::Not(self.one(call)?),
            operators::EQUALS => Node::Equal(self.two(call)?),
            operators::NOT_EQUALS => Node::Not(Box::new(Node::Equal(self.two(call)?))),
            operators::LESS => compare(Comparison::Less)(self.two(call)?),
            operators::LESS_EQUALS => compare(Comparison::LessOrEqual)(self.two(call)?),
            operators::GREATER => compare(Comparison::Greater)(self.two(call)?),
            operators::GREATER_EQUALS => compare(Comparison::GreaterOrEqual)(self.two(call)?),
            operators::INDEX => Node::Index(self.two(call)?),
            operators::IN => among(self.two(call)?),
            operators::CONDITIONAL => match call.args.as_slice() {
                [is, then, other] => {
                    let parts = [self.node(is)?, self.node(then)?, self.node(other)?];
                    Node::Choice(Box::new(parts))
                }
                _ => return None,
            },
            "@add" => calculate(Operation::Add)(self.two(call)?),
            "@sub" => calculate(Operation::Subtract)(self.two(call)?),
            "@mul" => calculate(Operation::Multiply)(self.two(call)?),
            "@div" => calculate(Operation::Divide)(self.two(call)?),
            "@rem" => calculate(Operation::Remainder)(self.two(call)?),
            "@neg" => Node::Negate(self.one(call)?),
            "pow" => calculate(Operation::Power)(self.two(call)?),
            "sat_add" => saturate(Saturating::Add)(self.two(call)?),
            "sat_sub" => saturate(Saturating::Subtract)(self.two(call)?),
            "sat_mul" => saturate(Saturating::Multiply)(self.two(call)?),
            "min" => Node::Pick(Ordering::Less, self.two(call)?),
            "max" => Node::Pick(Ordering::Greater, self.two(call)?),
            "sum" => Node::Sum(self.one(call)?),
            "size" => Node::Size(self.one(call)?),
            _ => return None,
        })
    }

    fn member(&mut self, call: &CallExpr, target: &Expression) -> Option<Node> {
        let target = self.node(target)?;
        let whence = match (call.func_name.as_str(), call.args.len()) {
            ("size", 0) => return Some(Node::Size(Box::new(target))),
            ("contains", 1) => Where::Anywhere,
            ("startsWith", 1) => Where::AtStart,
            ("endsWith", 1) => Where::AtEnd,
            _ => return None,
        };
        let part = self.node(&call.args[0])?;
        Some(Node::TextHas(whence, Box::new([target, part])))
    }

    /// What the macros of CEL stand for.
    fn comprehension(&mut self, all: &ComprehensionExpr) -> Option<Node> {
        let over = self.node(&all.iter_range)?;
        self.locals.push(all.iter_var.clone());
        let does = self.does(all);
        self.locals.pop();
        let does = does?;
        Some(Node::Loop(Box::new(Loop { over, does })))
    }

    fn does(&mut self, all: &ComprehensionExpr) -> Option<Does> {
        let is_gathered = |expression: &Expression| match &expression.expr {
            Expr::Ident(name) => *name == all.accu_var,
            _ => false,
        };
        let (Expr::Call(step), None) = (&all.loop_step.expr, &all.iter_var2) else {
            return None;
        };
        match (step.func_name.as_str(), step.args.as_slice()) {
            (operators::LOGICAL_AND, [gathered, test]) if is_gathered(gathered) => {
                is_flag(&all.accu_init, true)
                    .then(|| self.node(test))?
                    .map(Does::All)
            }
            (operators::LOGICAL_OR, [gathered, test]) if is_gathered(gathered) => {
                is_flag(&all.accu_init, false)
                    .then(|| self.node(test))?
                    .map(Does::Exists)
            }
            (operators::ADD, [gathered, given]) if is_gathered(gathered) => {
                Some(Does::Map(None, self.appended(given)?))
            }
            (operators::CONDITIONAL, [test, step, gathered]) if is_gathered(gathered) => {
                let test = self.node(test)?;
                let Expr::Call(step) = &step.expr else {
                    return None;
                };
                match (step.func_name.as_str(), step.args.as_slice()) {
                    (operators::ADD, [gathered, given]) if is_gathered(gathered) => {
                        match &given.expr {
                            Expr::Literal(LiteralValue::Int(_)) => Some(Does::ExistsOne(test)),
                            _ => Some(Does::Map(Some(test), self.appended(given)?)),
                        }
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What is appended in a step, one thing at a time.
    fn appended(&mut self, given: &Expression) -> Option<Node> {
        match &given.expr {
            Expr::List(list) => match self.list(list)?.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            },
            _ => None,
        }
    }
}

fn is_flag(expression: &Expression, flag: bool) -> bool {
    matches!(&expression.expr, Expr::Literal(LiteralValue::Boolean(is)) if *is.inner() == flag)
}

fn constant(literal: &LiteralValue) -> Option<Constant> {
    Some(match literal {
        LiteralValue::Null => Constant::Null,
        LiteralValue::Boolean(flag) => Constant::Bool(*flag.inner()),
        LiteralValue::Int(number) => Constant::Number((*number.inner()).into()),
        LiteralValue::UInt(number) => Constant::Number((*number.inner()).into()),
        LiteralValue::String(text) => Constant::Text(text.inner().to_owned()),
        LiteralValue::Bytes(bytes) => Constant::Bytes(bytes.inner().to_vec()),
        LiteralValue::Double(_) => return None,
    })
}

/// `in`, which makes no list of constants.
fn among(two: Box<[Node; 2]>) -> Node {
    let constants = |items: &[Node]| {
        let constants = items.iter().map(|item| match item {
            Node::Constant(constant) => Some(constant.clone()),
            _ => None,
        });
        constants.collect::<Option<Vec<Constant>>>()
    };
    let [item, list] = &*two;
    match list {
        Node::List(items) => match constants(items) {
            Some(constants) => Node::Among(Box::new(item.clone()), constants),
            None => Node::In(two),
        },
        _ => Node::In(two),
    }
}
