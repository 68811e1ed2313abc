//! Whose an event, an effect or a state is: declared paths, and those that documents tell.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::file::File;
use crate::path::Path;
use crate::trouble::Troubles;
use sim_air::{Air, EffectId, SchemaId, Type};
use sim_kernel::adapters::timer;
use sim_kernel::variant_tag;

/// Paths by what they lead through.
#[derive(Debug, Default)]
pub(crate) struct Correlation {
    /// By schema and arm; without one, of all arms that have none of their own.
    events: BTreeMap<(SchemaId, Option<String>), Path>,
    effects: BTreeMap<EffectId, Path>,
}

impl Correlation {
    /// Reads what is declared; the rest is as the documents have it.
    pub fn read<'a>(file: &'a File, air: &'a Air, troubles: &mut Troubles<'a>) -> Correlation {
        let mut correlation = Correlation::of_documents(air);
        for (name, path) in &file.root.correlation {
            correlation.add(air, name, (path.span().start, path.get_ref()), troubles);
        }
        correlation
    }

    /// The keys of routes, and of timers.
    fn of_documents(air: &Air) -> Correlation {
        let mut correlation = Correlation::default();
        for route in &air.routes {
            if let Some(path) = &route.key_field {
                let path = path.strip_prefix("$value.").unwrap_or(path);
                let schema = (route.event, None);
                correlation
                    .events
                    .entry(schema)
                    .or_insert_with(|| Path::new(path));
                // An event that is put into an arm is the reducer's own event from there on.
                let own = (air.reducers[route.reducer.index()].event, None);
                correlation
                    .events
                    .entry(own)
                    .or_insert_with(|| Path::new(path));
            }
        }
        for (index, effect) in air.effects.iter().enumerate() {
            if effect.kind == timer::SET {
                correlation
                    .effects
                    .insert(EffectId::new(index), Path::new("key"));
            }
        }
        correlation
    }

    fn add(
        &mut self,
        air: &Air,
        name: &str,
        (at, path): (usize, &str),
        troubles: &mut Troubles<'_>,
    ) {
        let path_of = Path::new(path);
        let schemas = &air.schemas;
        let wrong = |troubles: &mut Troubles<'_>, astray: Astray| match astray {
            Astray::At(unknown, known) => {
                let hint = sim_air::suggest(&unknown, known.iter().map(String::as_str));
                let hint = hint.or_else(|| Some(format!("there are {}", known.join(", "))));
                let what = format!("no `{unknown}` in `{name}`");
                troubles.add(at, what).maybe_hint(hint);
            }
            Astray::To(kind) => {
                let what = format!("`{path}` in `{name}` is {kind}: it cannot say whose it is");
                let trouble = troubles.add(at, what);
                trouble.expected("the path of a text or a whole number");
            }
        };
        if let Some(effect) = air.effects.iter().position(|effect| effect.kind == name) {
            let params = schemas.ty(air.effects[effect].params);
            if let Err(error) = leads_to_key(air, &path_of, params) {
                wrong(troubles, error);
            }
            self.effects.insert(EffectId::new(effect), path_of);
            return;
        }
        if let Some(schema) = schemas.find(name) {
            if let Err(error) = resolve_in_event(air, schema, &path_of) {
                wrong(troubles, error);
            }
            self.events.insert((schema, None), path_of);
            return;
        }
        let of_arm = name.rsplit_once('/').and_then(|(schema, tag)| {
            let schema = schemas.find(schema)?;
            let Type::Variant(variant) = schemas.resolve(schemas.ty(schema)) else {
                return None;
            };
            Some((schema, tag, &variant.arm(tag)?.ty))
        });
        let Some((schema, tag, payload)) = of_arm else {
            let kinds = air.effects.iter().map(|effect| effect.kind.as_str());
            let names = kinds.chain(schemas.ids().map(|id| schemas.name(id)));
            // Some are of the kernel's own, and some have names that nobody gave.
            let is_named = |name: &&str| !name.starts_with("sys/") && !name.contains(' ');
            let names: Vec<&str> = names.filter(is_named).collect();
            troubles.unknown(at, "schema or kind of effect", name, names);
            return;
        };
        if let Err(error) = leads_to_key(air, &path_of, payload) {
            wrong(troubles, error);
        }
        self.events.insert((schema, Some(tag.to_owned())), path_of);
    }

    /// That of an event, or of a state.
    pub fn of_event<'a>(&self, schema: SchemaId, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
        self.by_path(schema, bytes).or_else(|| timer_key(bytes))
    }

    /// That of an event by the path of its schema or arm.
    pub fn by_path<'a>(&self, schema: SchemaId, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
        let of_arm = variant_tag(bytes).and_then(|tag| {
            // Few schemas have arms of their own.
            let mut arms = self.events.range((schema, Some(String::new()))..);
            arms.find(|((of, arm), _)| *of == schema && arm.as_deref() == Some(tag))
        });
        let path = of_arm.map(|(_, path)| path);
        let path = path.or_else(|| self.events.get(&(schema, None)));
        path.and_then(|path| path.read(bytes))
    }

    /// Whether it is said whose an event of a schema, or of one of its arms, is.
    pub fn knows(&self, schema: SchemaId) -> bool {
        self.events.keys().any(|(known, _)| *known == schema)
    }

    /// That of an effect, by its parameters.
    pub fn of_effect<'a>(&self, effect: EffectId, params: &'a [u8]) -> Option<Cow<'a, str>> {
        self.effects.get(&effect)?.read(params)
    }
}

/// The key of the timer that an event tells of.
fn timer_key(bytes: &[u8]) -> Option<Cow<'_, str>> {
    Path::new("requested.key").read(bytes)
}

/// Where a path goes wrong.
enum Astray {
    /// At a name that there is not; and those that there are.
    At(String, Vec<String>),
    /// To something of a kind that is no key.
    To(&'static str),
}

/// Whether a path leads to what can say whose something is.
fn leads_to_key(air: &Air, path: &Path, ty: &Type) -> Result<(), Astray> {
    let schemas = &air.schemas;
    let found = path.resolve(schemas, ty);
    let mut found = found.map_err(|(unknown, known)| Astray::At(unknown, known))?;
    while let Type::Option(some) = found {
        found = schemas.resolve(some);
    }
    Err(Astray::To(match found {
        Type::Bool => "a bool",
        Type::Bytes => "bytes",
        Type::Unit => "nothing",
        Type::Record(_) => "a record",
        Type::Variant(_) => "a variant",
        Type::List(_) | Type::Set(_) => "a list",
        Type::Map(_) => "a map",
        _ => return Ok(()),
    }))
}

/// A path through an event: in a variant through the payload of some arm.
fn resolve_in_event(air: &Air, schema: SchemaId, path: &Path) -> Result<(), Astray> {
    let schemas = &air.schemas;
    let Type::Variant(variant) = schemas.resolve(schemas.ty(schema)) else {
        return leads_to_key(air, path, schemas.ty(schema));
    };
    let mut error = Ok(());
    for arm in variant.arms() {
        match leads_to_key(air, path, &arm.ty) {
            Ok(()) => return Ok(()),
            Err(found) => error = Err(found),
        }
    }
    error
}
