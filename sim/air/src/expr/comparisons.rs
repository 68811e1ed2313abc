//! Comparisons that fail whenever they are reached, and those that always give the same.

use super::forms::{form, may_equal};
use super::operator_types::Operation;
use super::{Expr, Operator, Reference};
use crate::text::quote::quote;
use crate::types::Type;
use crate::value::Value;

impl Operation<'_, '_> {
    /// Refuses what cannot be compared, and notes what is never equal.
    pub(super) fn equal(&self) -> Result<(), String> {
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
}
