//! What all parts measure: the retry world, with the reducer that ships.

use std::path::Path;

use sim::air;
use sim::campaign::{self, CampaignOptions, Effort, Runner, Summary};
use sim::host::{Code, Limits, StepInput, default_cache_dir, encode_envelope};
use sim::interrupt::Interrupt;
use sim::kernel::World;
use sim::model::Model;
use sim::models;
use sim::random::Seed;
use sim::scenario::{Bounds, Mix, PlanMode};

pub struct Subject {
    pub world: World,
    pub model: Box<dyn Model>,
}

impl Subject {
    pub fn retry() -> Subject {
        Subject::with(load(retry_world::WASM))
    }

    /// The same with another reducer.
    pub fn with(code: Code) -> Subject {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../air");
        let sources = sim::cli::sources(&folder).expect("they can be read");
        let air = air::load(&sources).unwrap_or_else(|error| panic!("{error}"));
        let world = World::new(air, vec![code]);
        let model = models::of(&world);
        Subject { world, model }
    }

    pub fn code(&self) -> &Code {
        let id = self.world.air.reducer_ids().next();
        self.world.code(id.expect("the world has a reducer"))
    }

    pub fn runner(&self) -> Runner<'_> {
        Runner::new(&self.world, &*self.model).expect("the reducer can be run")
    }

    /// Runs the seeds below `seeds`, with every invariant but the samples of `pure` and `replays`,
    /// on instances that are made once. `look` sees every run.
    pub fn run_seeds(
        &self,
        runner: &mut Runner<'_>,
        seeds: u64,
        mut look: impl FnMut(&Runner<'_>),
    ) {
        for seed in (0..seeds).map(Seed) {
            let scenario = runner.scenario(seed, PlanMode::Answered, Bounds::default(), Mix::Swarm);
            runner.seed(seed, &scenario);
            look(runner);
        }
    }

    /// The campaign of `sim run --seeds 0..SEEDS --jobs JOBS`, and `--no-memo` if not `remember`.
    pub fn campaign(&self, seeds: u64, jobs: usize, remember: bool) -> Summary {
        let options = CampaignOptions {
            seeds: 0..seeds,
            jobs,
            plans: PlanMode::Answered,
            bounds: Bounds::default(),
            mix: Mix::Swarm,
            effort: Effort::Sampled,
            remember,
            twice: false,
            stop: sim::campaign::Stop::AfterFailures(1),
            interrupt: Interrupt::default(),
        };
        campaign::run(&self.world, &*self.model, &options, |_| {}).expect("the reducer can be run")
    }

    /// The input envelope of every step of the seeds below `seeds`.
    pub fn inputs(&self, seeds: u64) -> Vec<Vec<u8>> {
        let mut inputs = Vec::new();
        self.run_seeds(&mut self.runner(), seeds, |runner| {
            let trace = &runner.trace;
            for step in &trace.steps {
                let input = StepInput {
                    state: step.before.map(|state| trace.bytes(state)),
                    schema: self.world.air.schemas.name(step.schema),
                    value: trace.bytes(step.event),
                    key: None,
                    ctx: None,
                };
                let mut envelope = Vec::new();
                encode_envelope(&input, &mut envelope);
                inputs.push(envelope);
            }
        });
        inputs
    }
}

pub fn load(wasm: &[u8]) -> Code {
    let code = Code::load(wasm, Limits::default(), default_cache_dir().as_deref());
    code.expect("the wasm is a reducer")
}
