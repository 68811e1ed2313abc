//! Whether two types have the same values.

use super::Type;
use super::schemas::Schemas;

impl Schemas {
    /// Whether two types have the same values: equal once refs are followed. Gives up, with a no,
    /// after a bounded number of steps, since refs can make a small document a vast type.
    pub(crate) fn same(&self, left: &Type, right: &Type) -> bool {
        const MAX_COMPARISONS: usize = 100_000;
        self.same_within(left, right, &mut { MAX_COMPARISONS })
    }

    fn same_within(&self, left: &Type, right: &Type, fuel: &mut usize) -> bool {
        let Some(rest) = fuel.checked_sub(1) else {
            return false;
        };
        *fuel = rest;
        match (left, right) {
            (Type::Ref(left), Type::Ref(right)) if left == right => true,
            (Type::Ref(_), _) | (_, Type::Ref(_)) => {
                self.same_within(self.resolve(left), self.resolve(right), fuel)
            }
            (Type::Record(left), Type::Record(right)) => {
                let mut pairs = left.fields.iter().zip(&right.fields);
                left.fields.len() == right.fields.len()
                    && pairs.all(|(l, r)| l.name == r.name && self.same_within(&l.ty, &r.ty, fuel))
            }
            (Type::Variant(left), Type::Variant(right)) => {
                let mut pairs = left.arms.iter().zip(&right.arms);
                left.arms.len() == right.arms.len()
                    && pairs.all(|(l, r)| l.tag == r.tag && self.same_within(&l.ty, &r.ty, fuel))
            }
            (Type::List(left), Type::List(right))
            | (Type::Set(left), Type::Set(right))
            | (Type::Option(left), Type::Option(right)) => self.same_within(left, right, fuel),
            (Type::Map(left), Type::Map(right)) => {
                self.same_within(&left.key, &right.key, fuel)
                    && self.same_within(&left.value, &right.value, fuel)
            }
            _ => left == right,
        }
    }
}
