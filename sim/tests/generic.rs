//! The model that is made from documents: every event that clients send is sent, and every one that
//! there is comes as a spurious one.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use sim::kernel::{EventSource, World};
use sim::model::generic::Generic;
use sim::model::{Model, Small};
use sim::random::{Component, Seed, Stream};
use sim::scenario::Depth;

use crate::support::{http_world, retry_world, trial};

/// Within so many seeds every event has been sent.
const SEEDS: u64 = 40;

type MakeWorld = fn() -> World;

/// An event, by its schema's name and its arm.
type Event = (String, Option<String>);

pub fn trials(seed: Option<Seed>) -> Vec<Trial> {
    let seed = seed.unwrap_or(Seed(0));
    let worlds: [(&str, MakeWorld); 3] = [
        ("retry", || crate::support::planted_world(0)),
        ("http", http_world),
        ("small", crate::world::base_world),
    ];
    let trials = worlds.into_iter().flat_map(|(name, world)| {
        let named = |what: &str| format!("generic::{name}::{what}");
        [
            trial(named("clients_send_each_of_theirs"), move || {
                clients_send(&world(), seed);
            }),
            trial(named("each_is_spurious_once"), move || {
                spurious(&world(), seed);
            }),
            trial(named("small_worlds_have_each"), move || {
                small_worlds(&world());
            }),
        ]
    });
    let mut trials: Vec<Trial> = trials.collect();
    trials.push(trial(
        "generic::a_seed_has_its_requests".to_owned(),
        move || {
            let model = Generic::of(retry_world());
            let requests = |seed: u64| {
                let mut stream = Stream::new(Seed(seed), Component::Requests);
                model.requests(&mut stream, Depth::Usual)
            };
            assert_eq!(requests(seed.0), requests(seed.0));
            let names: BTreeSet<String> = requests(seed.0).into_iter().map(|it| it.name).collect();
            assert_eq!(names.len(), requests(seed.0).len(), "names are unique");
        },
    ));
    trials
}

/// The events that there are of a source.
fn events(world: &World, wanted: impl Fn(EventSource) -> bool) -> BTreeSet<Event> {
    let arms = world.arms.all().iter().filter(|arm| wanted(arm.source));
    arms.map(|arm| {
        let schema = world.air.schemas.name(arm.schema).to_owned();
        (schema, arm.tag.clone())
    })
    .collect()
}

/// Which event it is. It fits its schema, and is canonical.
fn event(world: &World, schema: sim::air::SchemaId, bytes: &[u8]) -> Event {
    let schemas = &world.air.schemas;
    let value = schemas.decode(schema, bytes).expect("it fits its schema");
    assert_eq!(schemas.encode(schema, &value).as_deref(), Ok(bytes));
    let tag = match value {
        sim::air::Value::Variant { tag, .. } => Some(tag),
        _ => None,
    };
    (schemas.name(schema).to_owned(), tag)
}

fn clients_send(world: &World, seed: Seed) {
    let model = Generic::of(world);
    let mut sent = BTreeSet::new();
    for more in 0..SEEDS {
        let mut stream = Stream::new(Seed(seed.0.wrapping_add(more)), Component::Requests);
        for request in model.requests(&mut stream, Depth::Usual) {
            sent.insert(event(world, request.schema, &request.value));
        }
    }
    assert_eq!(sent, events(world, |source| source == EventSource::Client));
    assert!(!sent.is_empty());
}

fn spurious(world: &World, seed: Seed) {
    let model = Generic::of(world);
    let mut stream = Stream::new(seed, Component::Chooser);
    let requests = model.requests(&mut stream, Depth::Usual);
    let drawn = (0..SEEDS * 10).filter_map(|_| model.spurious(&requests, &mut stream));
    let drawn: BTreeSet<Event> = drawn.map(|it| event(world, it.schema, &it.value)).collect();
    assert_eq!(drawn, events(world, |_| true));
}

/// The worlds that are explored have each event, too: of clients as requests, and of the world
/// itself as spurious ones.
fn small_worlds(world: &World) {
    let model = Generic::of(world);
    let scene = model.scene(&Small::default());
    let requests = scene.requests.iter();
    let sent: BTreeSet<Event> = requests
        .map(|request| event(world, request.schema, &request.value))
        .collect();
    assert_eq!(sent, events(world, |source| source == EventSource::Client));
    let within = model.few_spurious(&scene.requests).into_iter();
    let within: BTreeSet<Event> = within
        .map(|it| event(world, it.schema, &it.value))
        .collect();
    assert_eq!(
        within,
        events(world, |source| source != EventSource::Client)
    );
}
