//! The types of operators: what they take, what they give, and what they can never do.
//!
//! An operator that is given a form it does not take fails whenever it is reached, which is an
//! error. What it does with null, in the place of an option, is known at run time only.

use std::borrow::Cow;

use super::forms::{Form, form, may_equal};
use super::infer::TypeScope;
use super::known;
use super::paths::KnownType;
use super::{Expr, Operator};
use crate::text::quote::quote;
use crate::types::Type;
use crate::value::Value;

/// An operation that is being typed.
pub(super) struct Operation<'o, 't> {
    pub(super) types: &'o TypeScope<'t>,
    pub(super) operator: Operator,
    pub(super) args: &'o [Expr],
    pub(super) known: Vec<Option<Type>>,
}

/// Whether the expression gives text or bytes, as far as that is known.
pub fn may_be_text_or_bytes(types: &TypeScope<'_>, expr: &Expr) -> Result<(), String> {
    match types.infer(expr)? {
        Some(ty) if !matches!(form(types.schemas, &ty).0, Form::Text | Form::Bytes) => {
            let found = types.schemas.describe(&ty);
            Err(format!("neither bytes nor text, but {found}"))
        }
        _ => Ok(()),
    }
}

/// The type of an operation, if it is known; not of `and`, `or`, `not` and `hash_bytes`.
pub fn of<'t>(
    types: &'t TypeScope<'_>,
    operator: Operator,
    args: &[Expr],
) -> Result<KnownType<'t>, String> {
    let mut known = Vec::with_capacity(args.len());
    for arg in args {
        known.push(types.infer(arg)?.map(Cow::into_owned));
    }
    let operation = Operation {
        types,
        operator,
        args,
        known,
    };
    let ty = operation.ty()?;
    if args.iter().all(known::is_constant) {
        let expr = Expr::Operation {
            operator,
            args: args.to_vec(),
        };
        if let Some(Err(error)) = known::evaluate(&expr) {
            types.fails(format!("it always fails: {error}"))?;
        }
    }
    Ok(ty.map(Cow::Owned))
}

impl Operation<'_, '_> {
    pub(super) fn name(&self) -> &'static str {
        self.operator.name()
    }

    pub(super) fn describe(&self, index: usize) -> String {
        match self.known.get(index) {
            Some(Some(ty)) => self.types.schemas.describe(ty),
            _ => "something".to_owned(),
        }
    }

    pub(super) fn form(&self, index: usize) -> Option<(Form, bool)> {
        let ty = self.known.get(index)?.as_ref()?;
        Some(form(self.types.schemas, ty))
    }

    /// The type of an argument, without refs and options around it.
    pub(super) fn stripped(&self, index: usize) -> Option<&Type> {
        let ty = self.known.get(index)?.as_ref()?;
        Some(self.types.strip(ty))
    }

    pub(super) fn constant(&self, index: usize) -> Option<&Value> {
        match self.args.get(index) {
            Some(Expr::Constant(value)) => Some(value),
            _ => None,
        }
    }

    /// Refuses an argument of another form, if its form is known.
    fn takes(&self, index: usize, forms: &[Form], expected: &str) -> Result<(), String> {
        match self.form(index) {
            Some((form, _)) if !forms.contains(&form) => Err(format!(
                "`{}` takes {expected}, not {}",
                self.name(),
                self.describe(index)
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn unlike(&self) -> String {
        let (left, right) = (self.describe(0), self.describe(1));
        format!("`{}` of {left} and {right}", self.name())
    }

    fn ty(&self) -> Result<Option<Type>, String> {
        match self.operator {
            Operator::Len => {
                let forms = [Form::Text, Form::Bytes, Form::List, Form::Map];
                self.takes(0, &forms, "text, bytes, a list, a set or a map")?;
                Ok(Some(Type::Nat))
            }
            Operator::Hash => Ok(Some(Type::Hash)),
            Operator::Concat => self.concat(),
            Operator::Get => self.get(),
            Operator::Has => self.has(),
            Operator::Contains => self.contains(),
            Operator::StartsWith | Operator::EndsWith => {
                let forms = [Form::Text, Form::Bytes];
                self.takes(0, &forms, "two texts or two bytes")?;
                self.takes(1, &forms, "two texts or two bytes")?;
                self.alike()?;
                Ok(Some(Type::Bool))
            }
            Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge => {
                self.alike()?;
                let forms = [Form::Number, Form::Text, Form::Bytes];
                self.takes(0, &forms, "two numbers, two texts or two bytes")?;
                self.takes(1, &forms, "two numbers, two texts or two bytes")?;
                Ok(Some(Type::Bool))
            }
            Operator::Eq | Operator::Ne => {
                self.equal()?;
                Ok(Some(Type::Bool))
            }
            Operator::Add | Operator::Sub | Operator::Mul | Operator::Div | Operator::Mod => {
                self.arithmetic()
            }
            Operator::And | Operator::Or | Operator::Not | Operator::HashBytes => Ok(None),
        }
    }

    /// Refuses two arguments of unlike forms.
    fn alike(&self) -> Result<(), String> {
        match (self.form(0), self.form(1)) {
            (Some((left, _)), Some((right, _))) if left != right => Err(self.unlike()),
            _ => Ok(()),
        }
    }

    fn concat(&self) -> Result<Option<Type>, String> {
        let forms = [Form::Text, Form::Bytes, Form::List];
        let mut first: Option<Form> = None;
        for index in 0..self.args.len() {
            self.takes(index, &forms, "texts, bytes or lists, all alike")?;
            let Some((form, _)) = self.form(index) else {
                continue;
            };
            match first {
                Some(other) if other != form => {
                    let found = self.describe(index);
                    return Err(format!("`concat` takes all alike, and one is {found}"));
                }
                _ => first = Some(form),
            }
        }
        Ok(match first {
            Some(Form::Text) => Some(Type::Text),
            Some(Form::Bytes) => Some(Type::Bytes),
            _ => self.concatenated_list(),
        })
    }

    /// A list of the items that all arguments have.
    fn concatenated_list(&self) -> Option<Type> {
        let item = |index| match self.stripped(index)? {
            Type::List(item) | Type::Set(item) => Some(&**item),
            _ => None,
        };
        let first = item(0)?;
        let schemas = self.types.schemas;
        let is_same = |index| item(index).is_some_and(|other| schemas.same(first, other));
        let all = (1..self.args.len()).all(is_same);
        all.then(|| Type::List(Box::new(first.clone())))
    }

    fn get(&self) -> Result<Option<Type>, String> {
        self.takes(0, &[Form::List, Form::Map], "a record, a map or a list")?;
        let Some(whole) = self.stripped(0) else {
            return Ok(None);
        };
        let never = || {
            Err(format!(
                "`get` of {} by {}",
                self.describe(0),
                self.describe(1)
            ))
        };
        match whole {
            Type::Record(record) => match (self.constant(1), self.form(1)) {
                (Some(Value::Text(name)), _) => match record.field(name) {
                    Some(field) => Ok(Some(field.ty.clone())),
                    None => Err(format!("`get`: there is no field {}", quote(name))),
                },
                (_, Some((form, _))) if form != Form::Text => never(),
                _ => Ok(None),
            },
            Type::Map(map) => match self.form(1) {
                Some((found, _)) if found != form(self.types.schemas, &map.key).0 => never(),
                _ => Ok(Some(map.value.clone())),
            },
            Type::List(item) | Type::Set(item) => match (self.constant(1), self.form(1)) {
                (Some(Value::Int(index)), _) if *index < 0 => {
                    Err(format!("`get` of {} by {index}", self.describe(0)))
                }
                (_, Some((found, _))) if found != Form::Number => never(),
                _ => Ok(Some((**item).clone())),
            },
            _ => Ok(None),
        }
    }

    fn has(&self) -> Result<Option<Type>, String> {
        let forms = [Form::Null, Form::List, Form::Map];
        self.takes(0, &forms, "a record, a map or a list")?;
        match self.stripped(0) {
            Some(Type::List(_) | Type::Set(_)) => {
                self.takes(1, &[Form::Number], "an index of a list")?;
            }
            Some(whole) if !self.may_have(whole) => {
                let (whole, key) = (self.describe(0), self.key());
                self.types
                    .note(format!("`has` is always false: {whole} never has {key}"));
            }
            _ => {}
        }
        Ok(Some(Type::Bool))
    }

    /// Whether a record or a map may have the key; of others, yes.
    fn may_have(&self, whole: &Type) -> bool {
        match (whole, self.constant(1), self.form(1)) {
            (Type::Record(record), Some(Value::Text(name)), _) => record.field(name).is_some(),
            (Type::Record(_), _, Some((found, _))) => found == Form::Text,
            (Type::Map(map), _, Some((found, _))) => found == form(self.types.schemas, &map.key).0,
            _ => true,
        }
    }

    fn key(&self) -> String {
        match self.constant(1) {
            Some(Value::Text(text)) => quote(text),
            _ => self.describe(1),
        }
    }

    fn contains(&self) -> Result<Option<Type>, String> {
        let forms = [Form::Text, Form::List, Form::Map];
        self.takes(0, &forms, "text, a list, a set or a map")?;
        let never = |what: &str| {
            let (whole, part) = (self.describe(0), self.key());
            self.types.note(format!(
                "`contains` is always false: {whole} never has {part}{what}"
            ));
        };
        match (self.form(0), self.stripped(0)) {
            (Some((Form::Text, _)), _) => self.takes(1, &[Form::Text], "two texts")?,
            (_, Some(Type::List(item) | Type::Set(item))) => {
                if let Some(Some(part)) = self.known.get(1)
                    && !may_equal(self.types.schemas, item, part)
                {
                    never(" in it");
                }
            }
            (_, Some(whole)) if !self.may_have(whole) => never(""),
            _ => {}
        }
        Ok(Some(Type::Bool))
    }

    fn arithmetic(&self) -> Result<Option<Type>, String> {
        for index in 0..self.args.len() {
            self.takes(index, &[Form::Number], "numbers")?;
        }
        let divides = matches!(self.operator, Operator::Div | Operator::Mod);
        if divides && matches!(self.constant(1), Some(Value::Int(0) | Value::Nat(0))) {
            self.types.fails(format!("`{}` by zero", self.name()))?;
        }
        let is_nat = |ty: &Type| matches!(self.types.strip(ty), Type::Nat | Type::Time);
        let types: Option<Vec<&Type>> = self.known.iter().map(Option::as_ref).collect();
        Ok(types.map(|types| match types.into_iter().all(is_nat) {
            true => Type::Nat,
            false => Type::Int,
        }))
    }
}
