//! Static types of expressions, as far as they can be told before anything runs.
//!
//! What is certain to fail is refused at load; what may work is left to run time, where `encode`
//! judges it. So numbers fit numbers, texts fit hashes, and an option fits what it is an option of.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

use super::super::json::quote;
use super::super::types::{Record, Schemas, Type};
use super::super::value::Value;
use super::{Expr, ExprOrValue, Operator, Reference, Root};

/// Comparing types stops after so many steps: refs can make a small document a vast type.
const MAX_COMPARISONS: usize = 100_000;

/// What is known of the names in an expression. An absent name has a type not known.
pub struct Types<'a> {
    pub schemas: &'a Schemas,
    pub input: Option<Type>,
    pub vars: BTreeMap<String, Type>,
    pub steps: BTreeMap<String, Type>,
    pub event: Option<Type>,
}

type Known<'t> = Option<Cow<'t, Type>>;

impl Types<'_> {
    /// Whether the expression can give a value of the type; if not, why.
    pub fn check(&self, expr: &Expr, expected: &Type) -> Result<(), String> {
        let expected = self.strip(expected);
        match (expr, expected) {
            (Expr::Constant(value), _) => self.constant(value, expected),
            (Expr::Record(fields), Type::Record(record)) => self.record(fields, record),
            (Expr::List(items), Type::List(item) | Type::Set(item))
            | (Expr::Set(items), Type::Set(item)) => {
                items.iter().try_for_each(|expr| self.check(expr, item))
            }
            (Expr::Map(entries), Type::Map(map)) => entries.iter().try_for_each(|(key, value)| {
                self.check(key, &map.key)?;
                self.check(value, &map.value)
            }),
            (Expr::Variant { tag, value }, Type::Variant(variant)) => {
                let Some(arm) = variant.arm(tag) else {
                    let tags: Vec<&str> = variant.arms().iter().map(|arm| &*arm.tag).collect();
                    let tag = quote(tag);
                    return Err(format!("unknown tag {tag}; there are {}", tags.join(", ")));
                };
                match value {
                    Some(value) => self.check(value, &arm.ty),
                    None if arm.unit => Ok(()),
                    None => match self.schemas.resolve(&arm.ty) {
                        Type::Option(_) => Ok(()),
                        _ => Err(format!("the tag {} needs a value", quote(tag))),
                    },
                }
            }
            (Expr::Record(_), _) => Err(self.unfit("a record", expected)),
            (Expr::List(_), _) => Err(self.unfit("a list", expected)),
            (Expr::Set(_), _) => Err(self.unfit("a set", expected)),
            (Expr::Map(_), _) => Err(self.unfit("a map", expected)),
            (Expr::Variant { .. }, _) => Err(self.unfit("a variant", expected)),
            (Expr::Reference(_) | Expr::Operation { .. }, _) => match self.infer(expr)? {
                Some(found) if !fits(self.schemas, &found, expected) => {
                    let found = self.schemas.describe(&found);
                    let what = match expr {
                        Expr::Reference(reference) => format!("`{reference}` is {found}"),
                        Expr::Operation { operator, .. } => {
                            format!("`{}` gives {found}", operator.name())
                        }
                        _ => found,
                    };
                    Err(format!("{what}, not {}", self.schemas.describe(expected)))
                }
                _ => Ok(()),
            },
        }
    }

    pub fn check_either(&self, either: &ExprOrValue, expected: &Type) -> Result<(), String> {
        match either {
            ExprOrValue::Expr(expr) => self.check(expr, expected),
            ExprOrValue::Value(_) => Ok(()),
        }
    }

    /// The type of an expression, if it is known. What contradicts itself is an error.
    pub fn infer(&self, expr: &Expr) -> Result<Known<'_>, String> {
        let one = |ty| Ok(Some(Cow::Owned(ty)));
        match expr {
            Expr::Reference(reference) => self.reference(reference),
            Expr::Constant(value) => Ok(match value {
                Value::Bool(_) => Some(Cow::Owned(Type::Bool)),
                Value::Int(_) => Some(Cow::Owned(Type::Int)),
                Value::Nat(_) => Some(Cow::Owned(Type::Nat)),
                Value::Text(_) => Some(Cow::Owned(Type::Text)),
                Value::Bytes(_) => Some(Cow::Owned(Type::Bytes)),
                _ => None,
            }),
            Expr::Record(fields) => {
                let mut known = Vec::with_capacity(fields.len());
                for (name, expr) in fields {
                    known.push(self.infer(expr)?.map(|ty| (name.clone(), ty.into_owned())));
                }
                let known: Option<Vec<_>> = known.into_iter().collect();
                Ok(known.map(|fields| Cow::Owned(Type::Record(Record::new(fields)))))
            }
            Expr::List(items) | Expr::Set(items) => {
                items
                    .iter()
                    .try_for_each(|item| self.infer(item).map(drop))?;
                Ok(None)
            }
            Expr::Map(entries) => {
                let mut parts = entries.iter().flat_map(|(key, value)| [key, value]);
                parts.try_for_each(|part| self.infer(part).map(drop))?;
                Ok(None)
            }
            Expr::Variant { value, .. } => {
                value
                    .iter()
                    .try_for_each(|value| self.infer(value).map(drop))?;
                Ok(None)
            }
            Expr::Operation { operator, args } => match operator {
                Operator::And | Operator::Or | Operator::Not => {
                    args.iter()
                        .try_for_each(|arg| self.check(arg, &Type::Bool))?;
                    one(Type::Bool)
                }
                Operator::HashBytes => {
                    args.iter()
                        .try_for_each(|arg| self.check(arg, &Type::Bytes))?;
                    one(Type::Hash)
                }
                _ => self.operation(*operator, args),
            },
        }
    }

    fn operation(&self, operator: Operator, args: &[Expr]) -> Result<Known<'_>, String> {
        let types = args
            .iter()
            .map(|arg| self.infer(arg))
            .collect::<Result<Vec<_>, _>>()?;
        let one = |ty| Ok(Some(Cow::Owned(ty)));
        match operator {
            Operator::Len => one(Type::Nat),
            Operator::Hash => one(Type::Hash),
            Operator::Concat => Ok(types.into_iter().next().flatten()),
            Operator::Get => Ok(None),
            Operator::Add | Operator::Sub | Operator::Mul | Operator::Div | Operator::Mod => {
                self.arithmetic(operator, &types)
            }
            _ => {
                if let [Some(left), Some(right)] = types.as_slice()
                    && !matches!(operator, Operator::Has | Operator::Contains)
                    && !fits(self.schemas, left, right)
                {
                    return Err(format!(
                        "`{}` of {} and {}",
                        operator.name(),
                        self.schemas.describe(left),
                        self.schemas.describe(right)
                    ));
                }
                one(Type::Bool)
            }
        }
    }

    fn arithmetic(&self, operator: Operator, types: &[Known<'_>]) -> Result<Known<'_>, String> {
        let mut all_nat = true;
        for ty in types {
            let Some(ty) = ty else { return Ok(None) };
            match self.strip(ty) {
                Type::Nat | Type::Time => {}
                Type::Int | Type::Duration => all_nat = false,
                other => {
                    let found = self.schemas.describe(other);
                    return Err(format!("`{}` takes numbers, not {found}", operator.name()));
                }
            }
        }
        Ok(Some(Cow::Owned(if all_nat {
            Type::Nat
        } else {
            Type::Int
        })))
    }

    fn reference(&self, reference: &Reference) -> Result<Known<'_>, String> {
        let root = match &reference.root {
            Root::Input => self.input.as_ref(),
            Root::Var(name) => self.vars.get(name),
            Root::Step(id) => self.steps.get(id),
            Root::Event => self.event.as_ref(),
        };
        let Some(root) = root else { return Ok(None) };
        follow(self.schemas, root, &reference.path).map_err(|why| format!("`{reference}`: {why}"))
    }

    fn constant(&self, value: &Value, expected: &Type) -> Result<(), String> {
        if *value == Value::Null {
            // The option around it, if there is one, was taken off; so only unit is sure to fit.
            return Ok(());
        }
        let error = self.schemas.fits(expected, value).err();
        error.map_or(Ok(()), |error| {
            Err(format!(
                "a constant does not fit: expected {}, found {}",
                error.expected, error.found
            ))
        })
    }

    fn record(&self, fields: &[(String, Expr)], record: &Record) -> Result<(), String> {
        for (name, expr) in fields {
            let Some(field) = record.field(name) else {
                let names: Vec<&str> = record.fields().iter().map(|field| &*field.name).collect();
                let name = quote(name);
                return Err(format!(
                    "unknown field {name}; there are {}",
                    names.join(", ")
                ));
            };
            if matches!(expr, Expr::Constant(Value::Null))
                && !field.optional
                && *self.schemas.resolve(&field.ty) != Type::Unit
            {
                return Err(format!("the field `{name}` cannot be null"));
            }
            self.check(expr, &field.ty)
                .map_err(|why| format!("in `{name}`: {why}"))?;
        }
        let given = |name: &str| fields.iter().any(|(given, _)| given == name);
        let missing = record
            .fields()
            .iter()
            .find(|it| !it.optional && !given(&it.name));
        missing.map_or(Ok(()), |field| {
            Err(format!("the field `{}` is missing", field.name))
        })
    }

    /// The type without refs and options around it.
    fn strip<'t>(&'t self, ty: &'t Type) -> &'t Type {
        match self.schemas.resolve(ty) {
            Type::Option(inner) => self.schemas.resolve(inner),
            ty => ty,
        }
    }

    fn unfit(&self, what: &str, expected: &Type) -> String {
        format!("{what} is not {}", self.schemas.describe(expected))
    }
}

/// The type at the end of a path of fields. None: it depends on the value.
pub fn follow<'t>(
    schemas: &'t Schemas,
    root: &'t Type,
    path: &[String],
) -> Result<Known<'t>, String> {
    let mut ty = root;
    for step in path {
        ty = schemas.resolve(ty);
        if let Type::Option(inner) = ty {
            ty = schemas.resolve(inner);
        }
        ty = match ty {
            Type::Record(record) => match record.field(step) {
                Some(field) => &field.ty,
                None => return Err(format!("there is no field `{step}`")),
            },
            Type::Variant(_) if step == "$tag" => &Type::Text,
            Type::Variant(_) if step == "$value" => return Ok(None),
            Type::Map(map) if *schemas.resolve(&map.key) == Type::Text => &map.value,
            other => {
                let found = schemas.describe(other);
                return Err(format!("`.{step}` of {found}, which has no fields"));
            }
        };
    }
    Ok(Some(Cow::Borrowed(ty)))
}

/// Whether some value of one type is one of the other.
pub fn fits(schemas: &Schemas, found: &Type, expected: &Type) -> bool {
    may_fit(schemas, found, expected, &Cell::new(MAX_COMPARISONS))
}

fn may_fit(schemas: &Schemas, found: &Type, expected: &Type, fuel: &Cell<usize>) -> bool {
    let Some(left) = fuel.get().checked_sub(1) else {
        return true;
    };
    fuel.set(left);
    let again = |found, expected| may_fit(schemas, found, expected, fuel);
    match (found, expected) {
        (Type::Ref(found), Type::Ref(expected)) if found == expected => true,
        (Type::Ref(_), _) | (_, Type::Ref(_)) => {
            again(schemas.resolve(found), schemas.resolve(expected))
        }
        (Type::Option(found), Type::Option(expected)) => again(found, expected),
        (Type::Option(inner), other) | (other, Type::Option(inner)) => {
            *other == Type::Unit || again(inner, other)
        }
        (
            Type::Nat | Type::Int | Type::Time | Type::Duration,
            Type::Nat | Type::Int | Type::Time | Type::Duration,
        ) => true,
        (
            Type::Text | Type::Hash | Type::Uuid | Type::Dec128,
            Type::Text | Type::Hash | Type::Uuid | Type::Dec128,
        ) => true,
        (Type::List(_) | Type::Set(_), Type::List(_) | Type::Set(_)) => true,
        (Type::Map(_), Type::Map(_)) => true,
        (Type::Record(found), Type::Record(expected)) => {
            let has = |record: &Record, name: &str| record.field(name).is_some();
            let known = found
                .fields()
                .iter()
                .all(|field| match expected.field(&field.name) {
                    Some(other) => again(&field.ty, &other.ty),
                    None => false,
                });
            let needed = expected.fields().iter();
            known && { needed }.all(|field| field.optional || has(found, &field.name))
        }
        (Type::Variant(found), Type::Variant(expected)) => found.arms().iter().any(|arm| {
            expected
                .arm(&arm.tag)
                .is_some_and(|other| again(&arm.ty, &other.ty))
        }),
        _ => found == expected,
    }
}
