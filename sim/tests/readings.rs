//! Two readings of one contract: the retry machine's model in Rust, and `reducer/declared/sim.toml`.
//! Both watch the same runs, of the reducer that ships and of every planted bug, and agree on which
//! of them are right.
//!
//! `SIM_READINGS` says how many seeds of the reducer that ships are run, instead of few.

use std::borrow::Cow;
use std::fs;

use libtest_mimic::Trial;
use sim::air::{PlanId, SchemaId};
use sim::campaign::Runner;
use sim::declared::{Declared, File};
use sim::kernel::World;
use sim::model::{Model, Scene, Small, Spurious, Watch};
use sim::models;
use sim::random::{Seed, Stream};
use sim::scenario::{Bounds, Depth, Mix, PlanMode, Request};
use sim::trace::{Answer, Answers};

use crate::support::{code, documents, root, trial};

/// So many seeds of the reducer that ships, and of each planted bug.
const SEEDS: u64 = 1_000;
const SEEDS_OF_A_BUG: u64 = 60;

pub fn trials() -> Vec<Trial> {
    let bugs = retry_world::bugs().iter().map(|bug| {
        trial(format!("readings::{}", bug.name), move || {
            agree(&bug.wasm, SEEDS_OF_A_BUG);
        })
    });
    let mut trials: Vec<Trial> = bugs.collect();
    trials.push(trial("readings::shipped".to_owned(), || {
        let asked = std::env::var("SIM_READINGS").ok();
        let asked = asked.and_then(|seeds| seeds.parse().ok());
        agree(retry_world::WASM, asked.unwrap_or(SEEDS));
    }));
    trials
}

/// The model in Rust, with the properties that are declared beside its own.
struct Both {
    model: Box<dyn Model>,
    declared: Declared,
}

impl Model for Both {
    fn name(&self) -> &str {
        "both"
    }

    fn watches<'w>(&self, world: &'w World) -> Vec<Watch<'w>> {
        let mut watches = self.model.watches(world);
        watches.extend(self.declared.watches(world));
        watches
    }

    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request> {
        self.model.requests(stream, depth)
    }

    fn scenes(&self, small: &Small) -> Vec<Scene> {
        self.model.scenes(small)
    }

    fn answers(&self) -> Answers {
        self.model.answers()
    }

    fn knows_answers(&self, plan: PlanId, raised: SchemaId, input: SchemaId) -> bool {
        self.model.knows_answers(plan, raised, input)
    }

    fn answer(&self, plan: PlanId, input: &[u8], answer: Answer, out: &mut Vec<u8>) -> bool {
        self.model.answer(plan, input, answer, out)
    }

    fn correlation<'a>(&self, schema: SchemaId, value: &'a [u8]) -> Option<Cow<'a, str>> {
        self.model.correlation(schema, value)
    }

    fn spurious(&self, requests: &[Request], stream: &mut Stream) -> Option<Spurious> {
        self.model.spurious(requests, stream)
    }
}

fn declared(world: &World) -> Declared {
    let path = root("reducer/declared/sim.toml");
    let text = fs::read_to_string(path).expect("the file is there");
    let file = File::parse("sim.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    Declared::of(&file, world).unwrap_or_else(|error| panic!("{error}"))
}

/// Both find something wrong in a run, or neither does.
fn agree(wasm: &[u8], seeds: u64) {
    let world = World::new(documents("air"), vec![code(wasm)]);
    let (model, declared) = (models::of(&world), declared(&world));
    let own: Vec<String> = names(&*model, &world);
    let both = Both { model, declared };
    let mut runner = Runner::new(&world, &both).expect("it can be run");
    runner.remember_steps();
    for seed in 0..seeds {
        let seed = Seed(seed);
        if seed.0.is_multiple_of(512) {
            runner.renew().expect("it can be run");
        }
        let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
        let checked = runner.seed(seed, &scenario);
        // Those of the model come first, of two of one name.
        let is_own = |rank: usize, name: &str| {
            own.iter().any(|known| known == name) && {
                let properties = runner.checker().properties();
                properties.find(name) == Some(rank)
            }
        };
        let (mut by_model, mut by_declared) = (Vec::new(), Vec::new());
        for found in &checked.violations {
            if !found.property.is_of_model {
                continue;
            }
            match is_own(found.rank, found.name()) {
                true => by_model.push(found.clone()),
                false => by_declared.push(found.clone()),
            }
        }
        assert_eq!(
            by_model.is_empty(),
            by_declared.is_empty(),
            "seed {}: the model finds {by_model:#?}, what is declared {by_declared:#?}",
            seed.0
        );
    }
}

fn names(model: &dyn Model, world: &World) -> Vec<String> {
    let properties = sim::model::Properties::of(world, model);
    let all = (0..properties.count()).map(|rank| properties.get(rank).name.to_string());
    all.collect()
}
