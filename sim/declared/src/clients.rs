//! What clients send: declared events, with values of their own.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundles::Bundles;
use crate::expand::Definitions;
use crate::file::File;
use crate::given::{Fresh, Given, OfBundle, Place, strip};
use crate::trouble::Troubles;
use crate::written::Client as ClientFile;
use sim_air::{Air, SchemaId, Type, Value};
use sim_model::sample;
use sim_record::random::Stream;
use sim_record::scenario::Request;
use toml::Spanned;

/// How often a client sends, if it does not say.
const WEIGHT: u32 = 10;
/// The largest weight.
const MOST_WEIGHT: u32 = 1_000;

/// A kind of event that comes from outside.
#[derive(Debug)]
pub(crate) struct Client {
    pub name: String,
    pub event: SchemaId,
    pub arm: Option<String>,
    /// The type of what the event carries.
    payload: Type,
    given: Option<Given>,
    weight: u32,
    most: Option<u32>,
}

impl Client {
    /// Reads the clients of a file.
    pub fn read_all<'a>(file: &'a File, air: &'a Air, troubles: &mut Troubles<'a>) -> Vec<Client> {
        let mut entries: Vec<_> = file.root.clients.iter().collect();
        entries.sort_by_key(|(_, client)| client.span().start);
        let clients = entries
            .iter()
            .filter_map(|(name, client)| Client::read(name, client, air, troubles));
        let clients: Vec<Client> = clients.collect();
        // One that could not be read might be the one that makes an id.
        if clients.len() == entries.len() {
            check_bundles(&clients, &entries, air, troubles);
            check_sent(&clients, &entries, troubles);
        }
        clients
    }

    fn read<'a>(
        name: &str,
        file: &'a Spanned<ClientFile>,
        air: &'a Air,
        troubles: &mut Troubles<'a>,
    ) -> Option<Client> {
        let (at, file) = (file.span().start, file.get_ref());
        let schemas = &air.schemas;
        let Some(event) = schemas.find(file.event.get_ref()) else {
            let routed = air.routes.iter().map(|route| route.event);
            let heard = routed.chain(air.triggers.iter().map(|trigger| trigger.event));
            let mut known: Vec<&str> = heard.map(|event| schemas.name(event)).collect();
            known.sort_unstable();
            known.dedup();
            troubles.unknown(
                file.event.span().start,
                "schema",
                file.event.get_ref(),
                known,
            );
            return None;
        };
        let is_heard = air.routes.iter().any(|route| route.event == event)
            || air.triggers.iter().any(|trigger| trigger.event == event);
        if !is_heard {
            let what = format!("nothing listens to `{}`", file.event.get_ref());
            let trouble = troubles.add(file.event.span().start, what);
            trouble.hint("route it to a reducer, or have a trigger start a plan by it");
        }
        let payload = match (schemas.resolve(schemas.ty(event)), &file.arm) {
            (Type::Variant(variant), Some(arm)) => match variant.arm(arm.get_ref()) {
                Some(arm) => arm.ty.clone(),
                None => {
                    let known = variant.arms().iter().map(|arm| arm.tag.as_str());
                    troubles.unknown(arm.span().start, "arm", arm.get_ref(), known);
                    return None;
                }
            },
            (Type::Variant(variant), None) => {
                let known = variant.arms().iter().map(|arm| arm.tag.as_str());
                let mut known: Vec<&str> = known.collect();
                known.sort_unstable();
                let trouble = troubles.add(at, format!("`{name}` needs an `arm`"));
                trouble.expected(format!("one of {}", known.join(", ")));
                return None;
            }
            (_, Some(arm)) => {
                let what = format!("`{}` is no variant: it has no arms", file.event.get_ref());
                troubles.add(arm.span().start, what);
                return None;
            }
            (ty, None) => ty.clone(),
        };
        let place = Place {
            schemas,
            asked: None,
            definitions: &Definitions::default(),
            is_request: true,
        };
        let given = match &file.fields {
            None => None,
            Some(fields) => match Given::read(place, &payload, fields.get_ref()) {
                Ok(given) => Some(given),
                Err((message, hint)) => {
                    let what = format!("`{name}`: {message}");
                    troubles.add(fields.span().start, what).maybe_hint(hint);
                    return None;
                }
            },
        };
        if file.weight.is_some_and(|weight| weight > MOST_WEIGHT) {
            let what = format!("`{name}`: a weight is at most {MOST_WEIGHT}");
            troubles.add(at, what);
        }
        Some(Client {
            name: name.to_owned(),
            event,
            arm: file.arm.as_ref().map(|arm| arm.get_ref().clone()),
            payload,
            given,
            weight: file.weight.unwrap_or(WEIGHT).min(MOST_WEIGHT),
            most: file.most,
        })
    }

    /// Whether an event is of this kind.
    pub fn is_of(&self, event: SchemaId, tag: Option<&str>) -> bool {
        self.event == event && self.arm.as_deref() == tag
    }

    /// The bundles whose ids it takes, or makes.
    fn bundles(&self) -> Vec<OfBundle<'_>> {
        let mut bundles = Vec::new();
        let given = self.given.iter();
        given.for_each(|given| given.bundles(&mut bundles));
        bundles
    }

    /// Whether it sends anything, once there are the ids that it takes.
    fn is_on(&self) -> bool {
        self.weight > 0 && self.most != Some(0)
    }

    fn is_ready(&self, bundles: &Bundles) -> bool {
        self.given
            .as_ref()
            .is_none_or(|given| given.is_ready(bundles))
    }

    /// An event of this kind, out of a payload.
    fn encode(&self, air: &Air, payload: Value) -> Option<Vec<u8>> {
        let value = match &self.arm {
            None => payload,
            Some(tag) => Value::Variant {
                tag: tag.clone(),
                value: Box::new(payload),
            },
        };
        air.schemas.encode(self.event, &value).ok()
    }

    /// Makes the declared fields anew, in a payload that was drawn by its schema.
    pub fn draw(
        &self,
        air: &Air,
        base: Value,
        bundles: &mut Bundles,
        stream: &mut Stream,
    ) -> Option<Vec<u8>> {
        let payload = match &self.given {
            None => base,
            Some(given) => given.draw(&air.schemas, base, bundles, None, stream),
        };
        self.encode(air, payload)
    }

    /// The type of what it carries.
    pub fn payload(&self) -> &Type {
        &self.payload
    }

    /// The first events of a small world.
    pub fn few(&self, air: &Air, most: usize, bundles: &mut Bundles) -> Vec<Vec<u8>> {
        let count = self.given.as_ref().map_or(1, Given::count);
        let mut few = Vec::new();
        // With new ids, there are two at least.
        for n in 0..count.max(2) {
            if few.len() >= most {
                break;
            }
            let base = sample::plainest(&air.schemas, &self.payload);
            let payload = match &self.given {
                None => base,
                Some(given) => given.nth(&air.schemas, base, &mut n.clone(), bundles, None),
            };
            if let Some(event) = self.encode(air, payload)
                && !few.contains(&event)
            {
                few.push(event);
            }
        }
        few
    }

    /// Takes up the ids of an event of this kind.
    pub fn gather(&self, value: &Value, bundles: &mut Bundles) {
        let payload = match (value, &self.arm) {
            (Value::Variant { value, .. }, Some(_)) => value,
            (value, _) => value,
        };
        if let Some(given) = &self.given {
            given.gather(payload, bundles);
        }
    }

    /// Whether an event of this kind has values that the client might send; `fresh` are the ids
    /// that were new in others, by bundle.
    pub fn allows(&self, event: &Value, fresh: &mut Fresh) -> bool {
        let payload = match (event, &self.arm) {
            (Value::Variant { value, .. }, Some(_)) => value,
            (event, _) => event,
        };
        let given = self.given.as_ref();
        given.is_none_or(|given| given.allows(payload, fresh))
    }

    /// An event as it is at a time, if it tells the time.
    pub fn at(&self, air: &Air, value: &[u8], now_ns: u64) -> Option<Vec<u8>> {
        let given = self.given.as_ref().filter(|given| given.tells_time())?;
        let mut event = air.schemas.decode(self.event, value).ok()?;
        let payload: &mut Value = match &mut event {
            Value::Variant { value, .. } if self.arm.is_some() => value,
            value => value,
        };
        given.tell(&air.schemas, payload, now_ns);
        air.schemas.encode(self.event, &event).ok()
    }
}

/// Known ids need somebody who makes them, and the ids of a bundle are all of one type.
fn check_bundles<'a>(
    clients: &[Client],
    entries: &[(&'a String, &'a Spanned<ClientFile>)],
    air: &Air,
    troubles: &mut Troubles<'a>,
) {
    let all = clients
        .iter()
        .map(|client| (place_of(client, entries), client.bundles()));
    let all: Vec<(usize, Vec<OfBundle<'_>>)> = all.collect();
    let uses = || all.iter().flat_map(|(_, bundles)| bundles);
    let made: Vec<&str> = uses().filter(|it| it.makes).map(|it| it.name).collect();
    for (at, bundles) in &all {
        for bundle in bundles {
            let name = bundle.name;
            let first = uses().find(|other| other.name == name).unwrap_or(bundle);
            let types = [first, bundle].map(|it| strip(&air.schemas, it.ty));
            if types[0] != types[1] {
                let types = types.map(|ty| air.schemas.describe(ty));
                let what = format!(
                    "ids of `{name}` are {} elsewhere, and {} here",
                    types[0], types[1]
                );
                troubles
                    .add(*at, what)
                    .hint("give them a bundle of their own, by another name");
            } else if !made.contains(&name) {
                let what = format!("no client makes an id of `{name}`");
                let hint = sim_air::suggest(name, made.iter().copied());
                let hint = hint.unwrap_or_else(|| format!("{{ fresh = {name:?} }} makes one"));
                troubles.add(*at, what).hint(hint);
            }
        }
    }
}

fn place_of(client: &Client, entries: &[(&String, &Spanned<ClientFile>)]) -> usize {
    let mut entries = entries.iter();
    let entry = entries.find(|(name, _)| **name == client.name);
    entry.map_or(0, |(_, file)| file.span().start)
}

/// Whoever takes ids needs somebody who makes them, and is sent without an id that comes later.
fn check_sent<'a>(
    clients: &[Client],
    entries: &[(&'a String, &'a Spanned<ClientFile>)],
    troubles: &mut Troubles<'a>,
) {
    let mut made: BTreeSet<&str> = BTreeSet::new();
    let mut sent: Vec<&Client> = Vec::new();
    let takes = |client: &'_ Client, made: &BTreeSet<&str>| {
        let bundles = client.bundles();
        let mut bundles = bundles.iter().filter(|it| !it.makes);
        bundles
            .find(|it| !made.contains(it.name))
            .map(|it| it.name.to_owned())
    };
    loop {
        let is_new = |client: &&Client| {
            let is_known = sent.iter().any(|known| known.name == client.name);
            !is_known && client.is_on() && takes(client, &made).is_none()
        };
        let Some(next) = clients.iter().find(is_new) else {
            break;
        };
        let makes = next.bundles().into_iter().filter(|it| it.makes);
        made.extend(makes.map(|it| it.name));
        sent.push(next);
    }
    let all_made: BTreeSet<&str> = clients
        .iter()
        .flat_map(Client::bundles)
        .filter_map(|it| it.makes.then_some(it.name))
        .collect();
    for client in clients.iter().filter(|client| client.is_on()) {
        let missing = takes(client, &made).filter(|missing| all_made.contains(missing.as_str()));
        if let Some(missing) = missing {
            let what = format!(
                "`{}` is never sent: no client before it makes an id of `{missing}`",
                client.name
            );
            let hint = format!(
                "those that make one are never sent either: {{ any = {missing:?} }} makes the first"
            );
            troubles.add(place_of(client, entries), what).hint(hint);
        }
    }
    if let Some(first) = clients
        .first()
        .filter(|_| !clients.iter().any(Client::is_on))
    {
        let what = "no client is ever sent: each has a `weight` or a `most` of 0";
        troubles.add(place_of(first, entries), what);
    }
}

/// Draws the requests of a run.
pub(crate) fn requests(
    clients: &[Client],
    air: &Air,
    count: u32,
    stream: &mut Stream,
    mut base: impl FnMut(&Client, &mut Stream) -> Value,
) -> Vec<Request> {
    let mut bundles = Bundles::draw(stream);
    let mut sent: BTreeMap<&str, u32> = BTreeMap::new();
    let mut requests = Vec::new();
    for _ in 0..count {
        let weights: Vec<u32> = clients
            .iter()
            .map(|client| {
                let so_far = sent.get(client.name.as_str()).copied().unwrap_or(0);
                let may = client.most.is_none_or(|most| so_far < most);
                match may && client.is_ready(&bundles) {
                    true => client.weight,
                    false => 0,
                }
            })
            .collect();
        let Some(place) = stream.weighted(&weights) else {
            break;
        };
        let client = &clients[place];
        let base = base(client, stream);
        let Some(value) = client.draw(air, base, &mut bundles, stream) else {
            continue;
        };
        let number = sent.entry(&client.name).or_default();
        *number += 1;
        requests.push(Request {
            name: format!("{}-{number}", client.name),
            schema: client.event,
            value,
        });
    }
    requests
}
