//! What a variable of a condition may be: names that conditions select are checked against it
//! before anything runs, and texts that stand for tags.

use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use crate::fields::is_plain_enum;
use crate::functions;
use sim_air::{Schemas, Type, suggest};

/// What a value may be.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Nothing is known.
    Any,
    Number,
    Bool,
    Text,
    /// A text that is one of these.
    Tag(Vec<String>),
    /// A value of a type of AIR.
    Air(Type),
    /// It has these names and no others.
    Fields(Vec<(String, Shape)>),
    List(Box<Shape>),
    /// A map with keys of any name.
    Each(Box<Shape>),
    OneOf(Vec<Shape>),
}

/// What a condition has to give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    Truth,
    Number,
    Anything,
}

/// Looks for names that there are not.
pub(crate) struct Checker<'a> {
    pub schemas: &'a Schemas,
    pub variables: &'a [(String, Shape)],
    /// Other names that might be meant.
    names: &'a [&'a str],
    /// What is wrong, and a hint.
    pub problems: Vec<(String, Option<String>)>,
    locals: Vec<(String, Shape)>,
}

/// The variables of moments, and of what is asked in answers.
const OF_MOMENTS: [&str; 13] = [
    "event", "before", "state", "key", "emitted", "effects", "changed", "effect", "sent",
    "receipt", "who", "params", "input",
];

/// Whether a variable is one of the moment itself, and not of the run.
pub(crate) fn is_of_moment(name: &str) -> bool {
    OF_MOMENTS.contains(&name)
}

/// Functions of CEL that conditions may call.
const FUNCTIONS: [&str; 18] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "string",
    "int",
    "uint",
    "bytes",
    "bool",
    "type",
    "double",
    "min",
    "max",
    "has",
    "all",
    "exists",
    "filter",
    "map",
];

impl<'a> Checker<'a> {
    pub fn new(
        schemas: &'a Schemas,
        variables: &'a [(String, Shape)],
        names: &'a [&'a str],
    ) -> Checker<'a> {
        Checker {
            schemas,
            variables,
            names,
            problems: Vec::new(),
            locals: Vec::new(),
        }
    }

    fn problem(&mut self, message: String, hint: Option<String>) {
        self.problems.push((message, hint));
    }

    /// What is wrong with something of a shape where something else is wanted.
    pub fn want(&mut self, shape: &Shape, wanted: Wanted) {
        let what = self.described(shape);
        let message = match (what, wanted) {
            (Some("bool" | "null"), Wanted::Truth) | (Some("number" | "null"), Wanted::Number) => {
                return;
            }
            (Some(what), Wanted::Truth) => format!("it is a {what}, and neither true nor false"),
            (Some(what), Wanted::Number) => format!("it is a {what}, and no number"),
            _ => return,
        };
        self.problem(message, None);
    }

    /// In a word, if there is one for all that it may be.
    fn described(&self, shape: &Shape) -> Option<&'static str> {
        Some(match shape {
            Shape::Number => "number",
            Shape::Bool => "bool",
            Shape::Text | Shape::Tag(_) => "text",
            Shape::Fields(_) | Shape::Each(_) => "map",
            Shape::List(_) => "list",
            Shape::Any => return None,
            Shape::OneOf(shapes) => {
                let mut words = shapes.iter().map(|shape| self.described(shape));
                let first = words.next()??;
                return words.all(|word| word == Some(first)).then_some(first);
            }
            Shape::Air(ty) => match self.schemas.resolve(ty) {
                Type::Nat | Type::Int | Type::Time | Type::Duration => "number",
                Type::Bool => "bool",
                Type::Text | Type::Uuid | Type::Hash | Type::Dec128 => "text",
                Type::Record(_) | Type::Map(_) => "map",
                Type::List(_) | Type::Set(_) => "list",
                _ => return None,
            },
        })
    }

    /// What an expression may be.
    pub fn look(&mut self, expression: &Expression) -> Shape {
        match &expression.expr {
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => {
                let of = self.look(&select.operand);
                let found = self.select(&of, &select.field);
                if select.test { Shape::Bool } else { found }
            }
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(all) => {
                let of = self.look(&all.iter_range);
                self.locals.push((all.iter_var.clone(), self.item(&of)));
                self.locals.push((all.accu_var.clone(), Shape::Any));
                self.look(&all.accu_init);
                self.look(&all.loop_cond);
                self.look(&all.loop_step);
                self.look(&all.result);
                self.locals.truncate(self.locals.len() - 2);
                match &all.accu_init.expr {
                    Expr::Literal(LiteralValue::Boolean(_)) => Shape::Bool,
                    _ => Shape::Any,
                }
            }
            Expr::List(list) => {
                let items: Vec<Shape> = list.elements.iter().map(|it| self.look(it)).collect();
                Shape::List(Box::new(Shape::OneOf(items)))
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.look(&entry.key);
                        self.look(&entry.value);
                    }
                }
                Shape::Any
            }
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Shape::Bool,
                LiteralValue::Int(_) | LiteralValue::UInt(_) => Shape::Number,
                LiteralValue::String(_) => Shape::Text,
                _ => Shape::Any,
            },
            Expr::Struct(_) | Expr::Unspecified => Shape::Any,
        }
    }

    fn variable(&mut self, name: &str) -> Shape {
        let local = self.locals.iter().rev().find(|(known, _)| known == name);
        let known = local.or_else(|| self.variables.iter().find(|(known, _)| known == name));
        if let Some((_, shape)) = known {
            return shape.clone();
        }
        let locals = self.locals.iter().map(|(name, _)| name.as_str());
        let names = locals.chain(self.variables.iter().map(|(name, _)| name.as_str()));
        let names = names.chain(self.names.iter().copied());
        let names: Vec<&str> = names.filter(|name| !name.starts_with('@')).collect();
        let hint = suggest(name, names.iter().copied());
        let hint = hint.unwrap_or_else(|| format!("there are {}", names.join(", ")));
        self.problem(format!("unknown variable `{name}`"), Some(hint));
        Shape::Any
    }

    fn call(&mut self, call: &CallExpr) -> Shape {
        let target = call.target.as_ref().map(|target| self.look(target));
        let args: Vec<Shape> = call.args.iter().map(|arg| self.look(arg)).collect();
        match call.func_name.as_str() {
            operators::EQUALS | operators::NOT_EQUALS => {
                self.compare(&args[0], &call.args[1]);
                self.compare(&args[1], &call.args[0]);
                Shape::Bool
            }
            operators::IN => {
                if let Expr::List(list) = &call.args[1].expr {
                    let items = list.elements.iter();
                    items.for_each(|item| self.compare(&args[0], item));
                }
                Shape::Bool
            }
            operators::INDEX => self.index(&args[0], &call.args[1]),
            operators::CONDITIONAL => Shape::OneOf(args[1..].to_vec()),
            operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS => Shape::Bool,
            operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO
            | operators::NEGATE
            | "size"
            | "sum"
            | "pow"
            | "sat_add"
            | "sat_sub"
            | "sat_mul" => Shape::Number,
            name => {
                self.known_function(name, target.is_some());
                Shape::Any
            }
        }
    }

    fn known_function(&mut self, name: &str, is_method: bool) {
        let is_name = name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let is_operator = name.starts_with('@') || !is_name || name.starts_with('_');
        let names = FUNCTIONS.iter().chain(&functions::NAMES).copied();
        if is_operator || names.clone().any(|known| known == name) {
            return;
        }
        let what = if is_method { "method" } else { "function" };
        self.problem(format!("unknown {what} `{name}`"), suggest(name, names));
    }

    /// A text that is compared with a tag is one of them.
    fn compare(&mut self, shape: &Shape, with: &Expression) {
        let Expr::Literal(LiteralValue::String(text)) = &with.expr else {
            return;
        };
        let Some(tags) = self.tags(shape) else { return };
        let text: &str = text.inner();
        if !tags.iter().any(|tag| tag == text) {
            let hint = suggest(text, tags.iter().map(String::as_str));
            let hint = hint.unwrap_or_else(|| format!("one of {}", tags.join(", ")));
            self.problem(format!("it is never `{text}`"), Some(hint));
        }
    }

    fn tags(&self, shape: &Shape) -> Option<Vec<String>> {
        match shape {
            Shape::Tag(tags) => Some(tags.clone()),
            Shape::Air(ty) => match self.schemas.resolve(ty) {
                Type::Option(some) => self.tags(&Shape::Air((**some).clone())),
                Type::Variant(variant) if is_plain_enum(variant) => {
                    Some(variant.arms().iter().map(|arm| arm.tag.clone()).collect())
                }
                _ => None,
            },
            Shape::OneOf(shapes) if !shapes.is_empty() => {
                let tags: Option<Vec<_>> = shapes.iter().map(|it| self.tags(it)).collect();
                Some(tags?.concat())
            }
            _ => None,
        }
    }

    fn select(&mut self, of: &Shape, field: &str) -> Shape {
        let mut names = Vec::new();
        if let Some(found) = self.find(of, field, &mut names) {
            return found;
        }
        names.sort();
        names.dedup();
        let hint = suggest(field, names.iter().map(String::as_str));
        let hint = hint.or_else(|| match names.is_empty() {
            true => Some("it has no fields".to_owned()),
            false => Some(format!("it has {}", names.join(", "))),
        });
        self.problem(format!("unknown field `{field}`"), hint);
        Shape::Any
    }

    /// What a field may be; None with the names that there are, if it has none such.
    fn find(&self, of: &Shape, field: &str, names: &mut Vec<String>) -> Option<Shape> {
        match of {
            Shape::Any => Some(Shape::Any),
            Shape::Each(each) => Some((**each).clone()),
            Shape::Fields(fields) => {
                names.extend(fields.iter().map(|(name, _)| name.clone()));
                let found = fields.iter().find(|(name, _)| name == field);
                found.map(|(_, shape)| shape.clone())
            }
            Shape::OneOf(shapes) => {
                let found = shapes.iter().filter_map(|it| self.find(it, field, names));
                let found: Vec<Shape> = found.collect();
                (!found.is_empty()).then_some(Shape::OneOf(found))
            }
            Shape::Air(ty) => self.find_in(ty, field, names),
            Shape::Number | Shape::Bool | Shape::Text | Shape::Tag(_) | Shape::List(_) => None,
        }
    }

    fn find_in(&self, ty: &Type, field: &str, names: &mut Vec<String>) -> Option<Shape> {
        match self.schemas.resolve(ty) {
            Type::Option(some) => self.find_in(some, field, names),
            Type::Map(map) => Some(Shape::Air(map.value.clone())),
            Type::Record(record) => {
                names.extend(record.fields().iter().map(|field| field.name.clone()));
                let found = record.field(field);
                found.map(|field| Shape::Air(field.ty.clone()))
            }
            Type::Variant(variant) if !is_plain_enum(variant) => {
                let arms = variant.arms();
                names.extend(["tag".to_owned(), "value".to_owned()]);
                names.extend(arms.iter().map(|arm| arm.tag.clone()));
                let tags = || arms.iter().map(|arm| arm.tag.clone()).collect();
                let any = || arms.iter().map(|arm| Shape::Air(arm.ty.clone())).collect();
                match field {
                    "tag" => Some(Shape::Tag(tags())),
                    "value" => Some(Shape::OneOf(any())),
                    _ => variant.arm(field).map(|arm| Shape::Air(arm.ty.clone())),
                }
            }
            _ => None,
        }
    }

    fn index(&mut self, of: &Shape, by: &Expression) -> Shape {
        match (of, &by.expr) {
            (Shape::List(item), _) => (**item).clone(),
            (Shape::Each(each), _) => (**each).clone(),
            (Shape::Air(ty), _) if matches!(self.schemas.resolve(ty), Type::List(_)) => {
                self.item(of)
            }
            (of, Expr::Literal(LiteralValue::String(name))) => self.select(of, name.inner()),
            _ => Shape::Any,
        }
    }

    /// What goes through a list or a map gives.
    fn item(&self, of: &Shape) -> Shape {
        match of {
            Shape::List(item) => (**item).clone(),
            Shape::Each(_) => Shape::Text,
            Shape::Air(ty) => match self.schemas.resolve(ty) {
                Type::List(item) | Type::Set(item) => Shape::Air((**item).clone()),
                Type::Map(map) => Shape::Air(map.key.clone()),
                _ => Shape::Any,
            },
            _ => Shape::Any,
        }
    }
}
