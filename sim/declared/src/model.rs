//! All that is declared, as the model of a world. What is not is as in a world without a model.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::answers::Answering;
use crate::assertions;
use crate::bugs;
use crate::bundles::Bundles;
use crate::clients::{self, Client};
use crate::correlation::Correlation;
use crate::definitions;
use crate::file::File;
use crate::judge::Judge;
use crate::monitors::Monitor;
use crate::names;
use crate::rules::Rules;
use crate::same::Same;
use crate::spans;
use crate::trouble::Troubles;
use crate::watched::Watched;
use crate::whose;
use crate::written::Fault;
use sim_air::{Air, Diagnostics, EffectId, PlanId, SchemaId, Source};
use sim_kernel::{ArmIndex, Arms, EventArm, Expected, World, variant_tag};
use sim_model::generic::Generic;
use sim_model::{Model, Reply, Scene, Small, Spurious, Watch, Work};
use sim_record::random::Stream;
use sim_record::scenario::{Decision, Depth, Knob, Request, Scenario};
use sim_record::trace::{Answer, Answers};

/// The most requests of a run of usual depth.
const REQUESTS: u32 = 6;
/// So many different events of each client are in a small world, and so many in all.
const VALUES: u32 = 4;
const MOST_ALTERNATIVES: usize = 24;
/// The most that may be asked for.
const MOST_REQUESTS: u32 = 100;
/// Of each client, so many spurious events.
const SPURIOUS_OF_A_CLIENT: usize = 2;

/// What is declared of a world.
pub struct Declared {
    air: Air,
    generic: Generic,
    parts: Parts,
    /// Spans of time that the file or the code may count with.
    spans_ns: Vec<u64>,
}

/// What a file says, by the names of the documents.
struct Parts {
    clients: Vec<Client>,
    answering: Answering,
    same: Same,
    watched: Arc<Watched>,
    monitors: Vec<Monitor>,
    spurious: SpuriousFrom,
    forbidden: Vec<Knob>,
    requests: u32,
    values: usize,
}

/// Which spurious events there are.
#[derive(Clone, PartialEq, Eq, Debug)]
enum SpuriousFrom {
    Nobody,
    /// Those that clients might have sent.
    Clients,
    Anybody,
    /// Of these arms.
    Arms(Vec<ArmIndex>),
}

impl Parts {
    fn read(file: &File, air: &Air, arms: &Arms) -> Result<Parts, Diagnostics> {
        let mut troubles = Troubles::new(&file.name, &file.text);
        check_modules(file, air, &mut troubles);
        let mut expected = Expected::default();
        for text in &file.root.expect {
            if let Err(error) = expected.add(air, arms, text.get_ref()) {
                troubles.add(text.span().start, format!("`expect`: {error}"));
            }
        }
        let clients = Client::read_all(file, air, &mut troubles);
        let definitions = definitions::read(file, &mut troubles);
        let known = (air, &definitions);
        let answering = Answering::read(file, known, &mut troubles);
        let same = Same::read(file, known, &mut troubles);
        let correlation = Correlation::read(file, air, &mut troubles);
        let rules = Rules::read(file, known, &mut troubles);
        whose::check(file, (air, &correlation), &rules, &mut troubles);
        names::check(file, &mut troubles);
        bugs::check(file, air, &mut troubles);
        let monitors = Monitor::read_all(file, &mut troubles);
        let has_clients = !clients.is_empty();
        let (spurious, forbidden) = read_faults(file, (air, arms), has_clients, &mut troubles);
        let (requests, values) = (file.campaign().requests, file.explore().values);
        if let Some(count) = requests.filter(|count| !(1..=MOST_REQUESTS).contains(count)) {
            let at = file.text.find("[campaign]").unwrap_or(0);
            let trouble = troubles.add(at, format!("`requests` is {count}"));
            trouble.expected(format!("1 to {MOST_REQUESTS}"));
        }
        troubles.done()?;
        Ok(Parts {
            clients,
            answering,
            same,
            watched: Arc::new(Watched::new(rules, correlation, air.reducers.len())),
            monitors,
            spurious,
            forbidden,
            requests: requests.unwrap_or(REQUESTS).clamp(1, MOST_REQUESTS),
            values: values.unwrap_or(VALUES).clamp(1, 100) as usize,
        })
    }
}

/// Whether a file fits the documents of a world.
///
/// # Errors
/// All that is wrong: names that the documents do not have, conditions that do not fit.
pub fn check(file: &File, air: &Air) -> Result<(), Diagnostics> {
    Parts::read(file, air, &Arms::of(air, |_| false)).map(|_| ())
}

impl Declared {
    /// What a file means in a world.
    ///
    /// # Errors
    /// As [`check`].
    pub fn of(file: &File, world: &World) -> Result<Declared, Diagnostics> {
        let parts = Parts::read(file, &world.air, &world.arms)?;
        let mut troubles = Troubles::new(&file.name, &file.text);
        for monitor in parts.monitors.iter().filter(|it| !it.has_code(world)) {
            // What reads the file reads the wasm, too: it was left out on the way.
            let what = format!("the wasm of the monitor `{}` was not read", monitor.name);
            troubles.add(0, what);
        }
        troubles.done()?;
        let generic = Generic::of(world);
        Ok(Declared {
            parts,
            spans_ns: spans::of(&file.text, generic.spans_ns()),
            generic,
            air: world.air.clone(),
        })
    }

    /// Takes up in a world what a file says of it: who its clients are, and what is meant to be so.
    ///
    /// # Errors
    /// As [`check`].
    pub fn declare(file: &File, world: &mut World) -> Result<(), Diagnostics> {
        let parts = Parts::read(file, &world.air, &world.arms)?;
        for text in file.expect() {
            // It was looked at already.
            let _ = world.expect(text);
        }
        if !parts.clients.is_empty() {
            world.arms.sent_by_clients(|arm: &EventArm| {
                let mut clients = parts.clients.iter();
                clients.any(|client| client.is_of(arm.schema, arm.tag.as_deref()))
            });
        }
        world.assertions = assertions::read(file);
        world.declared = Some(Source {
            file: file.name.clone(),
            text: file.text.clone(),
        });
        Ok(())
    }

    /// The clients that send such events.
    fn clients_of<'c>(
        &'c self,
        schema: SchemaId,
        value: &'c [u8],
    ) -> impl Iterator<Item = &'c Client> + 'c {
        let clients = self.parts.clients.iter();
        clients.filter(move |client| {
            let tag = client.arm.as_deref().and_then(|_| variant_tag(value));
            client.is_of(schema, tag)
        })
    }

    /// The ids of the requests of a run.
    fn gathered(&self, requests: &[Request]) -> Bundles {
        let mut bundles = Bundles::default();
        for request in requests {
            let Ok(value) = self.air.schemas.decode(request.schema, &request.value) else {
                continue;
            };
            for client in self.clients_of(request.schema, &request.value) {
                client.gather(&value, &mut bundles);
            }
        }
        bundles
    }

    fn spurious_of_client(&self, requests: &[Request], stream: &mut Stream) -> Option<Spurious> {
        let client = stream.pick(&self.parts.clients)?;
        let mut bundles = self.gathered(requests);
        let base = self.generic.drawn(client.payload(), requests, stream);
        let value = client.draw(&self.air, base, &mut bundles, stream)?;
        Some(Spurious {
            schema: client.event,
            value,
            cell: None,
        })
    }
}

/// Modules that are named are there.
fn check_modules<'a>(file: &'a File, air: &'a Air, troubles: &mut Troubles<'a>) {
    let reducers = air.reducers.iter().map(|reducer| reducer.name.as_str());
    let names = reducers.chain(air.enforcers.iter().map(|module| module.name.as_str()));
    let names: Vec<&str> = names.collect();
    for (name, given) in &file.root.reducers {
        if !names.contains(&name.as_str()) {
            troubles.unknown(given.span().start, "reducer", name, names.iter().copied());
        }
    }
}

fn read_faults<'a>(
    file: &'a File,
    (air, arms): (&Air, &Arms),
    has_clients: bool,
    troubles: &mut Troubles<'a>,
) -> (SpuriousFrom, Vec<Knob>) {
    let mut spurious = match has_clients {
        true => SpuriousFrom::Clients,
        false => SpuriousFrom::Anybody,
    };
    let mut forbidden = Vec::new();
    for (name, fault) in &file.root.faults {
        let at = fault.span().start;
        // A mix calls them by an older word.
        let name_of = if name == "spurious" {
            Knob::Spurious.name()
        } else {
            name.as_str()
        };
        let Some(knob) = Knob::named(name_of) else {
            let names = Knob::ALL.map(|knob| match knob {
                Knob::Spurious => "spurious",
                knob => knob.name(),
            });
            troubles.unknown(at, "kind of fault", name, names);
            continue;
        };
        match (knob, fault.get_ref()) {
            (_, Fault::Is(true)) => {}
            (_, Fault::Is(false)) => forbidden.push(knob),
            (Knob::Spurious, Fault::Spurious(from)) => match from.as_str() {
                "clients" => spurious = SpuriousFrom::Clients,
                "all" => spurious = SpuriousFrom::Anybody,
                "none" => forbidden.push(knob),
                other => {
                    let known = ["clients", "all", "none"];
                    troubles.unknown(at, "source of spurious events", other, known);
                }
            },
            (Knob::Spurious, Fault::SpuriousOf(of)) => {
                spurious = SpuriousFrom::Arms(read_arms(air, arms, of, at, troubles));
            }
            _ => {
                troubles.add(at, format!("`{name}` is on or off: true or false"));
            }
        }
    }
    if forbidden.contains(&Knob::Spurious) {
        spurious = SpuriousFrom::Nobody;
    }
    (spurious, forbidden)
}

fn read_arms(
    air: &Air,
    arms: &Arms,
    names: &[String],
    at: usize,
    troubles: &mut Troubles<'_>,
) -> Vec<ArmIndex> {
    let all = arms.all();
    let mut places = Vec::new();
    for name in names {
        let is_it = |arm: &EventArm| {
            let schema = air.schemas.name(arm.schema);
            let whole = arm.tag.as_ref().map(|tag| format!("{schema}/{tag}"));
            arm.label(air) == name || schema == name || whole.as_ref() == Some(name)
        };
        let found: Vec<ArmIndex> = (0..all.len()).filter(|index| is_it(&all[*index])).collect();
        if found.is_empty() {
            let known: Vec<&str> = all.iter().map(|arm| arm.label(air)).collect();
            troubles.unknown(at, "event", name, known);
        }
        places.extend(found);
    }
    places
}

impl Model for Declared {
    fn name(&self) -> &str {
        "sim.toml"
    }

    fn knows_clients(&self) -> bool {
        !self.parts.clients.is_empty()
    }

    fn watches<'w>(&self, world: &'w World) -> Vec<Watch<'w>> {
        let properties = self.parts.watched.rules.properties.clone();
        let judge = || Judge::new(world, self.parts.watched.clone());
        let declared = (!properties.is_empty()).then(|| Watch::new(properties, judge()));
        let monitors = self.parts.monitors.iter();
        let monitors = monitors.filter_map(|monitor| monitor.watch(world));
        declared.into_iter().chain(monitors).collect()
    }

    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request> {
        if self.parts.clients.is_empty() {
            return self.generic.requests(stream, depth);
        }
        let count = 1 + stream.below(self.parts.requests * depth.factor());
        clients::requests(
            &self.parts.clients,
            &self.air,
            count,
            stream,
            |client, stream| self.generic.drawn(client.payload(), &[], stream),
        )
    }

    fn at_time(&self, schema: SchemaId, value: &[u8], now_ns: u64) -> Option<Vec<u8>> {
        let mut clients = self.clients_of(schema, value);
        clients.find_map(|client| client.at(&self.air, value, now_ns))
    }

    fn spans_ns(&self) -> &[u64] {
        &self.spans_ns
    }

    fn allows(&self, scenario: &Scenario) -> bool {
        if self.parts.clients.is_empty() {
            return true;
        }
        let mut fresh = BTreeSet::new();
        let mut allows = |schema, value: &[u8]| {
            let Ok(event) = self.air.schemas.decode(schema, value) else {
                return false;
            };
            let mut clients = self.clients_of(schema, value);
            clients.any(|client| client.allows(&event, &mut fresh))
        };
        let requests = &scenario.requests;
        let mut all = requests
            .iter()
            .map(|request| (request.schema, &request.value));
        if !all.all(|(schema, value)| allows(schema, value)) {
            return false;
        }
        if self.parts.spurious != SpuriousFrom::Clients {
            return true;
        }
        scenario
            .schedule
            .iter()
            .all(|decision| match decision.without_crash() {
                Decision::Inject { schema, value, .. } => {
                    let is_again = requests.iter().any(|request| request.value == *value);
                    is_again || allows(*schema, value)
                }
                _ => true,
            })
    }

    fn scenes(&self, small: &Small) -> Vec<Scene> {
        if self.parts.clients.is_empty() {
            return self.generic.scenes(small);
        }
        let mut bundles = Bundles::default();
        let of_client = |client: &Client| {
            let few = client.few(&self.air, self.parts.values, &mut bundles);
            let few = few.into_iter().zip(1..);
            let requests = few.map(|(value, number)| Request {
                name: format!("{}-{number}", client.name),
                schema: client.event,
                value,
            });
            requests.collect::<Vec<Request>>()
        };
        let requests = self
            .parts
            .clients
            .iter()
            .flat_map(of_client)
            .take(MOST_ALTERNATIVES);
        let requests: Vec<Request> = requests.collect();
        vec![Scene {
            varied: format!(
                "{} events of {} clients",
                requests.len(),
                self.parts.clients.len()
            ),
            starts: small.requests,
            requests,
            only: None,
        }]
    }

    fn are_alike(&self, requests: &[Request]) -> bool {
        self.generic.are_alike(requests)
    }

    fn few_spurious(&self, requests: &[Request]) -> Vec<Spurious> {
        match &self.parts.spurious {
            SpuriousFrom::Nobody => Vec::new(),
            SpuriousFrom::Anybody => self.generic.few_spurious(requests),
            SpuriousFrom::Arms(arms) => self
                .generic
                .few_spurious_among(requests, |index| arms.contains(&index)),
            SpuriousFrom::Clients => {
                let mut bundles = self.gathered(requests);
                let mut few =
                    |client: &Client| client.few(&self.air, SPURIOUS_OF_A_CLIENT, &mut bundles);
                let spurious = self.parts.clients.iter().flat_map(|client| {
                    few(client).into_iter().map(|value| Spurious {
                        schema: client.event,
                        value,
                        cell: None,
                    })
                });
                let is_request =
                    |event: &Spurious| requests.iter().any(|request| request.value == event.value);
                spurious.filter(|event| !is_request(event)).collect()
            }
        }
    }

    fn spurious(&self, requests: &[Request], stream: &mut Stream) -> Option<Spurious> {
        match &self.parts.spurious {
            SpuriousFrom::Nobody => None,
            SpuriousFrom::Clients if !self.parts.clients.is_empty() => {
                self.spurious_of_client(requests, stream)
            }
            SpuriousFrom::Arms(arms) => {
                let all = self.generic.arms();
                self.generic.spurious_among(requests, stream, |arm| {
                    arms.iter().any(|index| all.get(*index) == Some(arm))
                })
            }
            _ => self.generic.spurious(requests, stream),
        }
    }

    fn correlation<'a>(&self, schema: SchemaId, value: &'a [u8]) -> Option<Cow<'a, str>> {
        self.parts.watched.correlation.of_event(schema, value)
    }

    fn effect_correlation<'a>(&self, effect: EffectId, params: &'a [u8]) -> Option<Cow<'a, str>> {
        self.parts.watched.correlation.of_effect(effect, params)
    }

    fn forbids(&self, fault: Knob) -> bool {
        self.parts.forbidden.contains(&fault)
    }

    fn answers(&self) -> Answers {
        self.parts.answering.all.clone()
    }

    fn knows_answers(&self, plan: PlanId, raised: SchemaId, _: SchemaId) -> bool {
        self.parts.answering.raised(plan) == Some(raised)
    }

    fn answer(&self, plan: PlanId, input: &[u8], answer: Answer, out: &mut Vec<u8>) -> bool {
        self.parts
            .answering
            .answer(&self.air, (plan, input), answer, out)
    }

    fn may_answer(&self, work: &Work<'_>, answer: Answer) -> bool {
        self.parts.answering.may(&self.air, work, answer)
    }

    fn same(&self, work: &Work<'_>) -> Option<Vec<u8>> {
        self.parts.same.key(&self.air, work)
    }

    fn lists_answers(&self, work: &Work<'_>) -> bool {
        self.parts.answering.lists(&self.air, work)
    }

    fn reply(&self, work: &Work<'_>, answer: Answer, stream: Option<&mut Stream>) -> Option<Reply> {
        self.parts.answering.reply(&self.air, work, answer, stream)
    }

    fn few_receipts(&self, effect: EffectId, params: &[u8]) -> Vec<Vec<u8>> {
        self.generic.few_receipts(effect, params)
    }

    fn receipt(&self, effect: EffectId, params: &[u8], stream: &mut Stream) -> Option<Vec<u8>> {
        self.generic.receipt(effect, params, stream)
    }
}
