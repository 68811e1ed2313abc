//! The types of operators: what they take, what they give, and what they can never do.
//!
//! A value has one of a few forms at run time, whatever its schema says: numbers of all kinds are
//! alike, and so are texts, hashes and uuids. An operator that is given a form it does not take
//! fails whenever it is reached, which is an error. What it does with null, in the place of an
//! option, is known at run time only.

use std::borrow::Cow;
use std::cell::Cell;

use super::infer::{Known, Types};
use super::known;
use super::{Expr, Operator, Reference};
use crate::text::quote::quote;
use crate::types::Type;
use crate::types::schemas::Schemas;
use crate::value::Value;

const MAX_COMPARISONS: usize = 100_000;

/// The form of a value at run time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Null,
    Bool,
    Number,
    Text,
    Bytes,
    List,
    /// A record or a map.
    Map,
    Variant,
}

/// The form of a type's values, and whether null is among them.
fn form(schemas: &Schemas, ty: &Type) -> (Form, bool) {
    let form = match schemas.resolve(ty) {
        Type::Option(inner) => return (form(schemas, inner).0, true),
        Type::Unit => return (Form::Null, true),
        Type::Bool => Form::Bool,
        Type::Int | Type::Nat | Type::Time | Type::Duration => Form::Number,
        Type::Text | Type::Hash | Type::Uuid | Type::Dec128 => Form::Text,
        Type::Bytes => Form::Bytes,
        Type::List(_) | Type::Set(_) => Form::List,
        Type::Record(_) | Type::Map(_) => Form::Map,
        Type::Variant(_) => Form::Variant,
        // It is resolved.
        Type::Ref(_) => Form::Null,
    };
    (form, false)
}

/// An operation that is being typed.
struct Operation<'o, 't> {
    types: &'o Types<'t>,
    operator: Operator,
    args: &'o [Expr],
    known: Vec<Option<Type>>,
}

/// Whether the expression gives text or bytes, as far as that is known.
pub fn may_be_text_or_bytes(types: &Types<'_>, expr: &Expr) -> Result<(), String> {
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
    types: &'t Types<'_>,
    operator: Operator,
    args: &[Expr],
) -> Result<Known<'t>, String> {
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
    fn name(&self) -> &'static str {
        self.operator.name()
    }

    fn describe(&self, index: usize) -> String {
        match self.known.get(index) {
            Some(Some(ty)) => self.types.schemas.describe(ty),
            _ => "something".to_owned(),
        }
    }

    fn form(&self, index: usize) -> Option<(Form, bool)> {
        let ty = self.known.get(index)?.as_ref()?;
        Some(form(self.types.schemas, ty))
    }

    /// The type of an argument, without refs and options around it.
    fn stripped(&self, index: usize) -> Option<&Type> {
        let ty = self.known.get(index)?.as_ref()?;
        Some(self.types.strip(ty))
    }

    fn constant(&self, index: usize) -> Option<&Value> {
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

    fn unlike(&self) -> String {
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

    /// Refuses what cannot be compared, and notes what is never equal.
    fn equal(&self) -> Result<(), String> {
        let always = match self.operator {
            Operator::Ne => "true",
            _ => "false",
        };
        if let Some(unknown) = self.unknown_tag() {
            self.types
                .note(format!("`{}` is always {always}: {unknown}", self.name()));
            return Ok(());
        }
        let [Some(left), Some(right)] = self.known.as_slice() else {
            return Ok(());
        };
        let schemas = self.types.schemas;
        let ((left_form, left_null), (right_form, right_null)) =
            (form(schemas, left), form(schemas, right));
        if left_form != right_form && !left_null && !right_null {
            return Err(self.unlike());
        }
        let why = match self.constant_that_never_fits() {
            Some(why) => why,
            None if !may_equal(schemas, left, right) => {
                let (left, right) = (self.describe(0), self.describe(1));
                format!("{left} and {right} have no value in common")
            }
            None => return Ok(()),
        };
        self.types
            .note(format!("`{}` is always {always}: {why}", self.name()));
        Ok(())
    }

    /// A comparison of a variant's tag with what is none of its tags.
    fn unknown_tag(&self) -> Option<String> {
        let [left, right] = self.args else {
            return None;
        };
        let (reference, tag) = match (left, right) {
            (Expr::Reference(reference), Expr::Constant(Value::Text(tag)))
            | (Expr::Constant(Value::Text(tag)), Expr::Reference(reference)) => (reference, tag),
            _ => return None,
        };
        let (last, path) = reference.path.split_last()?;
        if last != "$tag" {
            return None;
        }
        let whole = Reference {
            root: reference.root.clone(),
            path: path.to_vec(),
        };
        let ty = self.types.reference(&whole).ok()??;
        let Type::Variant(variant) = self.types.strip(&ty) else {
            return None;
        };
        let tags: Vec<&str> = variant.arms().iter().map(|arm| &*arm.tag).collect();
        let is_one = variant.arm(tag).is_some();
        (!is_one).then(|| format!("unknown tag {}; there are {}", quote(tag), tags.join(", ")))
    }

    /// A constant that is none of the values of what it is compared with. The texts of decimals
    /// have many forms, which are not compared here.
    fn constant_that_never_fits(&self) -> Option<String> {
        let pairs = [(0, 1), (1, 0)];
        pairs.into_iter().find_map(|(constant, other)| {
            let (value, ty) = (self.constant(constant)?, self.stripped(other)?);
            let form_of = |index| Some(self.form(index)?.0);
            let is_comparable = form_of(constant) == form_of(other) && *ty != Type::Dec128;
            let fits = self.types.schemas.fits(ty, value);
            let misfit = fits.err().filter(|_| is_comparable)?;
            Some(format!(
                "{} is expected, and the constant is {}",
                misfit.expected, misfit.found
            ))
        })
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

/// Whether a value of one type may be equal to one of the other.
fn may_equal(schemas: &Schemas, left: &Type, right: &Type) -> bool {
    may_equal_within(schemas, left, right, &Cell::new(MAX_COMPARISONS))
}

fn may_equal_within(schemas: &Schemas, left: &Type, right: &Type, fuel: &Cell<usize>) -> bool {
    let Some(rest) = fuel.get().checked_sub(1) else {
        return true;
    };
    fuel.set(rest);
    let again = |left, right| may_equal_within(schemas, left, right, fuel);
    let (left, right) = (schemas.resolve(left), schemas.resolve(right));
    let ((left_form, left_null), (right_form, right_null)) =
        (form(schemas, left), form(schemas, right));
    if left_null && right_null {
        return true;
    }
    match (left, right) {
        (Type::Option(left), right) => again(left, right),
        (left, Type::Option(right)) => again(left, right),
        (Type::Record(left), Type::Record(right)) => {
            let pairs = left.fields().iter().zip(right.fields());
            left.fields().len() == right.fields().len() && { pairs }
                .all(|(left, right)| left.name == right.name && again(&left.ty, &right.ty))
        }
        (Type::Variant(left), Type::Variant(right)) => left.arms().iter().any(|arm| {
            let other = right.arm(&arm.tag);
            other.is_some_and(|other| again(&arm.ty, &other.ty))
        }),
        _ => left_form == right_form,
    }
}
