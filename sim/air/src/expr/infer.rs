//! Static types of expressions, as far as they are known before anything runs.
//!
//! What is certain to fail whenever it is reached is refused at load; what may work is left to run
//! time, where `encode` judges it. So numbers fit numbers, texts fit hashes, and an option fits
//! what it is an option of. What works and cannot be meant, such as a comparison of values that are
//! never equal, is noted.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::forms::fits;
use super::paths::{KnownType, follow};
use super::{Expr, ExprOrValue, Operator, Reference, Root, known, operator_types};
use crate::text::quote::quote;
use crate::types::schemas::Schemas;
use crate::types::{MapType, RecordType, Type, VariantType};
use crate::value::Value;

/// What is known of the names in an expression. An absent name has a type not known.
pub struct TypeScope<'a> {
    pub schemas: &'a Schemas,
    pub input: Option<Type>,
    pub vars: BTreeMap<String, Type>,
    pub steps: BTreeMap<String, Type>,
    pub event: Option<Type>,
    /// What works and cannot be meant, of all that was looked at since it was last taken.
    pub notes: RefCell<Vec<String>>,
    /// What is looked at is evaluated in some cases only: it comes after `and` or `or`.
    pub is_conditional: Cell<bool>,
}

impl TypeScope<'_> {
    /// Whether the expression can give a value of the type; if not, why.
    pub fn check(&self, expr: &Expr, expected: &Type) -> Result<(), String> {
        let (whole, expected) = (expected, self.strip(expected));
        match (expr, expected) {
            (Expr::Constant(Value::Null), _) => self.null(whole),
            (Expr::Constant(value), _) => self.constant(value, expected),
            (Expr::Record(fields), Type::Record(record)) => self.record(fields, record),
            (Expr::List(items), Type::List(item) | Type::Set(item))
            | (Expr::Set(items), Type::Set(item)) => {
                items.iter().try_for_each(|expr| self.check(expr, item))
            }
            (Expr::Map(entries), Type::Map(map)) => {
                self.keys(entries)?;
                entries.iter().try_for_each(|(key, value)| {
                    self.check(key, &map.key)?;
                    self.check(value, &map.value)
                })
            }
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
                Some(found) if !fits(self.schemas, &found, whole) => {
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

    /// Something that works and cannot be meant.
    pub(super) fn note(&self, what: String) {
        self.notes.borrow_mut().push(what);
    }

    /// Something that fails whenever it is reached: an error, unless it may never be.
    pub(super) fn fails(&self, why: String) -> Result<(), String> {
        match self.is_conditional.get() {
            true => {
                self.note(format!("where it is reached, {why}"));
                Ok(())
            }
            false => Err(why),
        }
    }

    /// The type of an expression, if it is known. What contradicts itself is an error.
    pub fn infer(&self, expr: &Expr) -> Result<KnownType<'_>, String> {
        let owned = |ty| Some(Cow::Owned(ty));
        match expr {
            Expr::Reference(reference) => self.reference(reference),
            Expr::Constant(value) => Ok(match value {
                Value::Null => owned(Type::Unit),
                Value::Bool(_) => owned(Type::Bool),
                Value::Int(_) => owned(Type::Int),
                Value::Nat(_) => owned(Type::Nat),
                Value::Text(_) => owned(Type::Text),
                Value::Bytes(_) => owned(Type::Bytes),
                _ => None,
            }),
            Expr::Record(fields) => {
                let mut known = Vec::with_capacity(fields.len());
                for (name, expr) in fields {
                    known.push(self.infer(expr)?.map(|ty| (name.clone(), ty.into_owned())));
                }
                let known: Option<Vec<_>> = known.into_iter().collect();
                Ok(known.map(|fields| Cow::Owned(Type::Record(RecordType::new(fields)))))
            }
            Expr::List(items) => {
                let item = self.common(items.iter())?;
                Ok(item.map(|item| Cow::Owned(Type::List(Box::new(item)))))
            }
            Expr::Set(items) => {
                let item = self.common(items.iter())?;
                Ok(item.map(|item| Cow::Owned(Type::Set(Box::new(item)))))
            }
            Expr::Map(entries) => {
                let key = self.common(entries.iter().map(|(key, _)| key))?;
                let value = self.common(entries.iter().map(|(_, value)| value))?;
                self.keys(entries)?;
                let map = key.zip(value).map(|(key, value)| MapType { key, value });
                Ok(map.map(|map| Cow::Owned(Type::Map(Box::new(map)))))
            }
            Expr::Variant { tag, value } => {
                let value = match value {
                    Some(value) => self.infer(value)?.map(Cow::into_owned),
                    None => Some(Type::Unit),
                };
                let arm = value.map(|value| VariantType::new([(tag.clone(), value)]));
                Ok(arm.map(|variant| Cow::Owned(Type::Variant(variant))))
            }
            Expr::Operation { operator, args } => match operator {
                Operator::And | Operator::Or | Operator::Not => {
                    let was_conditional = self.is_conditional.get();
                    let mut checked = Ok(());
                    for (index, arg) in args.iter().enumerate() {
                        self.is_conditional.set(was_conditional || index > 0);
                        checked = checked.and_then(|()| self.check(arg, &Type::Bool));
                    }
                    self.is_conditional.set(was_conditional);
                    checked?;
                    Ok(owned(Type::Bool))
                }
                Operator::HashBytes => {
                    args.iter()
                        .try_for_each(|arg| self.check(arg, &Type::Bytes))?;
                    Ok(owned(Type::Hash))
                }
                _ => operator_types::of(self, *operator, args),
            },
        }
    }

    /// A map cannot have a key twice.
    fn keys(&self, entries: &[(Expr, Expr)]) -> Result<(), String> {
        match known::repeats_a_key(entries) {
            true => self.fails("the same key is twice in a map".to_owned()),
            false => Ok(()),
        }
    }

    /// The type that all of them have; of none, or of unlike ones, nothing is known.
    fn common<'e>(
        &self,
        mut items: impl Iterator<Item = &'e Expr>,
    ) -> Result<Option<Type>, String> {
        let Some(first) = items.next() else {
            return Ok(None);
        };
        let mut common = self.infer(first)?.map(Cow::into_owned);
        for item in items {
            let ty = self.infer(item)?;
            common = match (common, ty) {
                (Some(common), Some(ty)) if self.schemas.same(&common, &ty) => Some(common),
                _ => None,
            };
        }
        Ok(common)
    }

    pub(super) fn reference(&self, reference: &Reference) -> Result<KnownType<'_>, String> {
        let root = match &reference.root {
            Root::Input => self.input.as_ref(),
            Root::Var(name) => self.vars.get(name),
            Root::Step(id) => self.steps.get(id),
            Root::Event => self.event.as_ref(),
        };
        let Some(root) = root else { return Ok(None) };
        follow(self.schemas, root, &reference.path).map_err(|why| format!("`{reference}`: {why}"))
    }

    fn null(&self, expected: &Type) -> Result<(), String> {
        match self.schemas.resolve(expected) {
            Type::Option(_) | Type::Unit => Ok(()),
            other => Err(self.unfit("null", other)),
        }
    }

    fn constant(&self, value: &Value, expected: &Type) -> Result<(), String> {
        let error = self.schemas.fits(expected, value).err();
        error.map_or(Ok(()), |error| {
            Err(format!(
                "a constant does not fit: expected {}, found {}",
                error.expected, error.found
            ))
        })
    }

    fn record(&self, fields: &[(String, Expr)], record: &RecordType) -> Result<(), String> {
        for (name, expr) in fields {
            let Some(field) = record.field(name) else {
                let names: Vec<&str> = record.fields().iter().map(|field| &*field.name).collect();
                let name = quote(name);
                return Err(format!(
                    "unknown field {name}; there are {}",
                    names.join(", ")
                ));
            };
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
    pub(super) fn strip<'t>(&'t self, ty: &'t Type) -> &'t Type {
        match self.schemas.resolve(ty) {
            Type::Option(inner) => self.schemas.resolve(inner),
            ty => ty,
        }
    }

    fn unfit(&self, what: &str, expected: &Type) -> String {
        format!("{what} is not {}", self.schemas.describe(expected))
    }
}
