//! The types at the end of paths of fields.

use std::borrow::Cow;
use std::cell::Cell;

use crate::types::schemas::Schemas;
use crate::types::{Type, VariantType};

/// A path ends after so many steps: refs can make a small document a vast type.
const MOST_STEPS: usize = 100_000;

/// A type, if it is known.
pub(super) type KnownType<'t> = Option<Cow<'t, Type>>;

/// The type at the end of a path of fields. None: it depends on the value.
pub fn follow<'t>(
    schemas: &'t Schemas,
    root: &'t Type,
    path: &[String],
) -> Result<KnownType<'t>, String> {
    follow_within(schemas, root, path, &Cell::new(MOST_STEPS))
}

fn follow_within<'t>(
    schemas: &'t Schemas,
    root: &'t Type,
    path: &[String],
    fuel: &Cell<usize>,
) -> Result<KnownType<'t>, String> {
    let mut ty = root;
    for (index, step) in path.iter().enumerate() {
        let Some(left) = fuel.get().checked_sub(1) else {
            return Ok(None);
        };
        fuel.set(left);
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
            Type::Variant(variant) if step == "$value" => {
                return follow_arms(schemas, variant, &path[index + 1..], fuel);
            }
            Type::Map(map) if *schemas.resolve(&map.key) == Type::Text => &map.value,
            other => {
                let found = schemas.describe(other);
                return Err(format!("`.{step}` of {found}, which has no fields"));
            }
        };
    }
    Ok(Some(Cow::Borrowed(ty)))
}

/// The same from whichever arm a variant has: an error if no arm has it.
fn follow_arms<'t>(
    schemas: &'t Schemas,
    variant: &'t VariantType,
    path: &[String],
    fuel: &Cell<usize>,
) -> Result<KnownType<'t>, String> {
    let mut common: Option<KnownType<'t>> = None;
    let mut why = String::new();
    for arm in variant.arms() {
        let found = match follow_within(schemas, &arm.ty, path, fuel) {
            Ok(found) => found,
            Err(error) => {
                why = error;
                continue;
            }
        };
        common = Some(match (common, found) {
            (None, found) => found,
            (Some(Some(common)), Some(found)) if schemas.same(&common, &found) => Some(common),
            _ => None,
        });
    }
    match (common, variant.arms()) {
        (Some(common), _) => Ok(common),
        (None, [_]) => Err(why),
        (None, _) => Err(format!("in every arm, {why}")),
    }
}
