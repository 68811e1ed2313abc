//! Linking schemas: refs to indices, no cycles, no type too deep to walk.

use std::collections::BTreeMap;

use super::index::WorldDocuments;
use crate::documents::{Body, RawForm, RawType};
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::quote::quote;
use crate::types::schemas::{MOST_NODES, SchemaId, Schemas};
use crate::types::{MapType, RecordType, Type, VariantType};

/// The deepest type, counted through its refs. All recursion over types relies on it.
pub const MAX_TYPE_DEPTH: usize = 64;
const MAX_SCHEMAS: usize = 10_000;

/// The schemas of the world, and whether they are sound. If not, they are all `unit`.
pub fn link(world: &WorldDocuments, problems: &mut Problems) -> (Schemas, bool) {
    let mut schemas = Schemas::default();
    let raw = world
        .of_kind("defschema")
        .iter()
        .filter_map(|document| match &document.body {
            Body::Schema(schema) => Some((&document.name, &schema.ty)),
            _ => None,
        });
    let raw: Vec<(&At<String>, &RawType)> = raw.take(MAX_SCHEMAS).collect();
    for (name, _) in &raw {
        schemas.add(&name.it, Type::Unit, false);
    }
    let mut types = Vec::with_capacity(raw.len());
    let mut refs = Vec::with_capacity(raw.len());
    let mut sound = raw.len() == world.of_kind("defschema").len();
    if !sound {
        let place = raw
            .last()
            .map_or(SourcePlace { file: 1, offset: 0 }, |(name, _)| name.place);
        problems.push(Problem::new(
            place,
            format!("more than {MAX_SCHEMAS} schemas"),
        ));
    }
    for (_, ty) in &raw {
        let mut found = Vec::new();
        let converted = convert(ty, &schemas, &mut found, problems);
        sound &= converted.is_some();
        types.push(converted.unwrap_or(Type::Unit));
        refs.push(found);
    }
    let order = match topological(&refs) {
        Ok(order) => order,
        Err(cycle) => {
            let names: Vec<&str> = cycle
                .iter()
                .map(|index| raw[*index].0.it.as_str())
                .collect();
            let message = format!("schemas refer to themselves: {}", names.join(" -> "));
            problems.push(Problem::new(raw[cycle[0]].0.place, message));
            return (schemas, false);
        }
    };
    if !sound {
        return (schemas, false);
    }
    for (index, ty) in types.into_iter().enumerate() {
        schemas.set_type(SchemaId(index as u32), ty);
    }
    match measure(&mut schemas, &order, &raw, problems) {
        Some(is_sound) => {
            schemas.finish();
            (schemas, is_sound)
        }
        None => (Schemas::default(), false),
    }
}

/// Looks at the sizes and the forms of types, each after those that it refers to. Says whether they
/// are sound; none if one is too deep for anything to walk it.
fn measure(
    schemas: &mut Schemas,
    order: &[usize],
    raw: &[(&At<String>, &RawType)],
    problems: &mut Problems,
) -> Option<bool> {
    let mut is_sound = true;
    let mut depths = BTreeMap::new();
    for &index in order {
        let (name, ty) = raw[index];
        let id = SchemaId(index as u32);
        let depth = depth(schemas.ty(id), &depths);
        depths.insert(id, depth);
        if depth > MAX_TYPE_DEPTH {
            let message = format!(
                "{} is more than {MAX_TYPE_DEPTH} levels deep",
                quote(&name.it)
            );
            problems.push(Problem::new(name.place, message));
            return None;
        }
        schemas.measure(id);
        // Those that refer to it are vast as well: one is told.
        if is_sound && schemas.has_vast_part(schemas.ty(id)) {
            problems.push(vast(name.place, &name.it));
            is_sound = false;
        }
        is_sound &= forms(ty, schemas.ty(id), schemas, problems);
    }
    Some(is_sound)
}

/// A type that has no value of bearable size.
fn vast(place: SourcePlace, name: &str) -> Problem {
    let message = format!(
        "a value of {}, or of a part of it, has more than {MOST_NODES} fields and values at least",
        quote(name)
    );
    Problem::new(place, message)
        .hint("refs multiply what they lead to: put a list, a map or an option between")
}

/// A schema by name; reports one that is not known.
pub fn find_schema(
    name: &At<String>,
    schemas: &Schemas,
    problems: &mut Problems,
) -> Option<SchemaId> {
    let found = schemas.find(&name.it);
    if found.is_none() {
        problems.push_unknown("defschema", name, schemas.ids().map(|id| schemas.name(id)));
    }
    found
}

/// A type without a name, such as that of a cap's parameters. The schemas must be sound. It is
/// not deeper than its JSON, and what it refers to not deeper than `MAX_TYPE_DEPTH`.
pub fn anonymous(
    purpose: &str,
    raw: &RawType,
    schemas: &mut Schemas,
    problems: &mut Problems,
) -> Option<SchemaId> {
    let ty = convert(raw, schemas, &mut Vec::new(), problems)?;
    if schemas.has_vast_part(&ty) {
        problems.push(vast(raw.place, purpose));
        return None;
    }
    forms(raw, &ty, schemas, problems).then(|| schemas.add(purpose, ty, true))
}

/// Resolves the refs of a type, noting each.
fn convert(
    raw: &RawType,
    schemas: &Schemas,
    refs: &mut Vec<usize>,
    problems: &mut Problems,
) -> Option<Type> {
    let mut again = |raw: &RawType| convert(raw, schemas, refs, problems);
    Some(match &raw.form {
        RawForm::Plain(ty) => ty.clone(),
        RawForm::List(item) => Type::List(Box::new(again(item)?)),
        RawForm::Set(item) => Type::Set(Box::new(again(item)?)),
        RawForm::Option(item) => Type::Option(Box::new(again(item)?)),
        RawForm::Map(both) => {
            let (key, value) = (again(&both.0), again(&both.1));
            Type::Map(Box::new(MapType {
                key: key?,
                value: value?,
            }))
        }
        RawForm::Record(fields) => Type::Record(RecordType::new(members(fields, again)?)),
        RawForm::Variant(arms) => Type::Variant(VariantType::new(members(arms, again)?)),
        RawForm::Ref(name) => match schemas.find(&name.it) {
            Some(id) => {
                refs.push(id.index());
                Type::Ref(id)
            }
            None => {
                problems.push_unknown("defschema", name, schemas.ids().map(|id| schemas.name(id)));
                return None;
            }
        },
    })
}

fn members(
    raw: &[(String, RawType)],
    mut convert: impl FnMut(&RawType) -> Option<Type>,
) -> Option<Vec<(String, Type)>> {
    let converted: Vec<_> = raw
        .iter()
        .map(|(name, ty)| Some((name.clone(), convert(ty)?)))
        .collect();
    converted.into_iter().collect()
}

/// The schemas so that each comes after those it refers to; or a cycle, its first one repeated.
fn topological(refs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut waiting: Vec<usize> = refs.iter().map(Vec::len).collect();
    let mut users = vec![Vec::new(); refs.len()];
    for (index, targets) in refs.iter().enumerate() {
        targets.iter().for_each(|target| users[*target].push(index));
    }
    let mut order: Vec<usize> = (0..refs.len())
        .filter(|index| waiting[*index] == 0)
        .collect();
    let mut next = 0;
    while let Some(index) = order.get(next).copied() {
        next += 1;
        for user in &users[index] {
            waiting[*user] -= 1;
            if waiting[*user] == 0 {
                order.push(*user);
            }
        }
    }
    let Some(start) = waiting.iter().position(|count| *count > 0) else {
        return Ok(order);
    };
    let mut path = vec![start];
    let mut current = start;
    loop {
        // Whatever waits, waits for something that waits.
        current = refs[current]
            .iter()
            .copied()
            .find(|it| waiting[*it] > 0)
            .unwrap_or(start);
        if let Some(from) = path.iter().position(|seen| *seen == current) {
            path.push(current);
            return Err(path.split_off(from));
        }
        path.push(current);
    }
}

/// Levels of a type, its refs included. Recursion is bounded by the depth of the JSON.
fn depth(ty: &Type, known: &BTreeMap<SchemaId, usize>) -> usize {
    let inner = match ty {
        Type::Record(record) => record.fields().iter().map(|it| depth(&it.ty, known)).max(),
        Type::Variant(variant) => variant.arms().iter().map(|it| depth(&it.ty, known)).max(),
        Type::List(inner) | Type::Set(inner) | Type::Option(inner) => Some(depth(inner, known)),
        Type::Map(map) => Some(depth(&map.value, known).max(depth(&map.key, known))),
        Type::Ref(id) => known.get(id).copied(),
        _ => None,
    };
    inner.unwrap_or(0) + 1
}

/// What a type must not be, once its refs lead somewhere.
fn forms(raw: &RawType, ty: &Type, schemas: &Schemas, problems: &mut Problems) -> bool {
    match (&raw.form, ty) {
        (RawForm::Record(fields), Type::Record(record)) => fields.iter().all(|(name, raw)| {
            record
                .field(name)
                .is_none_or(|field| forms(raw, &field.ty, schemas, problems))
        }),
        (RawForm::Variant(arms), Type::Variant(variant)) => arms.iter().all(|(tag, raw)| {
            variant
                .arm(tag)
                .is_none_or(|arm| forms(raw, &arm.ty, schemas, problems))
        }),
        (RawForm::List(raw), Type::List(ty)) | (RawForm::Set(raw), Type::Set(ty)) => {
            forms(raw, ty, schemas, problems)
        }
        (RawForm::Map(raws), Type::Map(map)) => {
            let key = schemas.resolve(&map.key);
            let may = matches!(
                key,
                Type::Int | Type::Nat | Type::Text | Type::Uuid | Type::Hash
            );
            if !may {
                let message = format!("{} cannot be the key of a map", schemas.describe(key));
                let problem = Problem::new(raws.0.place, message);
                problems.push(problem.expected("int, nat, text, uuid or hash"));
            }
            may && forms(&raws.1, &map.value, schemas, problems)
        }
        (RawForm::Option(raw), Type::Option(inner)) => {
            if matches!(schemas.resolve(inner), Type::Option(_) | Type::Unit) {
                let message = "an option of an option, or of unit: null would mean two things";
                problems.push(Problem::new(raw.place, message));
                return false;
            }
            forms(raw, inner, schemas, problems)
        }
        _ => true,
    }
}
