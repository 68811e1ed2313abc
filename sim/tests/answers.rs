//! Answers by name: a world whose work is answered in other words than any that the harness knows.

use std::borrow::Cow;

use libtest_mimic::Trial;
use sim::air::{EffectId, PlanId, SchemaId};
use sim::campaign::{self, CampaignOptions, Effort, Runner, Summary};
use sim::cases::{Case, Found, FoundBy, WorldHashes};
use sim::kernel::World;
use sim::model::{Model, Scene, Small, Spurious, Watch};
use sim::models;
use sim::random::Stream;
use sim::scenario::{Bounds, Depth, PlanMode, Request, Scenario};
use sim::shrink::Budget;
use sim::trace::{Answer, Answers, Often, Outcome};

use crate::support::{planted_world, retry_world, trial};

pub fn trials() -> Vec<Trial> {
    let all: [(&str, fn()); 3] = [
        ("counted_and_judged_alike", counted_and_judged_alike),
        ("in_cases_and_shrunk", in_cases_and_shrunk),
        ("of_another_world", of_another_world),
    ];
    let trials = all.into_iter();
    let trials = trials.map(|(name, test)| trial(format!("answers::{name}"), test));
    trials.collect()
}

/// The retry machine's model with its answers called otherwise: one of them as a kind of fault is.
struct Renamed(Box<dyn Model>);

/// A planted bug that needs transient errors.
const NEVER_GIVES_UP: u8 = 1;

const NAMES: [&str; 3] = ["gut", "drop", "nie wieder"];

impl Model for Renamed {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn watches<'w>(&self, world: &'w World) -> Vec<Watch<'w>> {
        self.0.watches(world)
    }

    fn requests(&self, stream: &mut Stream, depth: Depth) -> Vec<Request> {
        self.0.requests(stream, depth)
    }

    fn scenes(&self, small: &Small) -> Vec<Scene> {
        self.0.scenes(small)
    }

    fn answers(&self) -> Answers {
        Answers::new([
            Outcome::new(NAMES[0]),
            Outcome::new(NAMES[1]).given(Often::MOSTLY).going_on(),
            Outcome::new(NAMES[2]).given(Often::RARELY),
        ])
    }

    fn knows_answers(&self, plan: PlanId, raised: SchemaId, input: SchemaId) -> bool {
        self.0.knows_answers(plan, raised, input)
    }

    fn answer(&self, plan: PlanId, input: &[u8], answer: Answer, out: &mut Vec<u8>) -> bool {
        self.0.answer(plan, input, answer, out)
    }

    fn correlation<'a>(&self, schema: SchemaId, value: &'a [u8]) -> Option<Cow<'a, str>> {
        self.0.correlation(schema, value)
    }

    fn effect_correlation<'a>(&self, effect: EffectId, params: &'a [u8]) -> Option<Cow<'a, str>> {
        self.0.effect_correlation(effect, params)
    }

    fn spurious(&self, requests: &[Request], stream: &mut Stream) -> Option<Spurious> {
        self.0.spurious(requests, stream)
    }
}

fn campaign(world: &World, model: &dyn Model) -> Summary {
    let options = CampaignOptions {
        jobs: 1,
        effort: Effort::Plain,
        ..CampaignOptions::of(0..256)
    };
    campaign::run(world, model, &options, |_| {}).expect("the reducer can be run")
}

/// A name makes no difference to what happens, nor to the digest.
fn counted_and_judged_alike() {
    let world = retry_world();
    let usual = campaign(world, &*models::of(world));
    let renamed = campaign(world, &Renamed(models::of(world)));
    assert_eq!(renamed.digest, usual.digest);
    assert_eq!(renamed.judged, usual.judged);
    let names = |summary: &Summary| -> Vec<String> {
        let answered = summary.faults[..2].iter();
        answered.map(|(name, _)| name.to_string()).collect()
    };
    assert_eq!(
        names(&usual),
        ["work answered transient", "work answered terminal"]
    );
    assert_eq!(
        names(&renamed),
        ["work answered drop", "work answered nie wieder"]
    );
    let counts = |summary: &Summary| -> Vec<u64> {
        summary.faults.iter().map(|(_, count)| *count).collect()
    };
    assert_eq!(counts(&renamed), counts(&usual));
    assert!(counts(&renamed)[0] > 100);
}

fn case_of(world: &World, seed: u64, scenario: &Scenario) -> Case {
    let found = Found {
        about: None,
        found_by: FoundBy::seed(seed, scenario),
        world: WorldHashes::of(world),
        judged: None,
    };
    Case::new(&world.air, scenario, found)
}

/// A bug is shrunk to the plain words of its world, and its file is read back as it was, the mix
/// of its seed too.
fn in_cases_and_shrunk() {
    let world = planted_world(NEVER_GIVES_UP);
    let model = Renamed(models::of(&world));
    let failures = campaign(&world, &model).failures;
    let failure = failures.first().expect("it is found");
    let mut runner = Runner::new(&world, &model).expect("the reducer can be run");
    let sighting = &failure.sighting;
    let shrunk = runner.shrink(
        &sighting.scenario,
        &sighting.signature,
        Budget::default(),
        |_| {},
    );
    let (shrunk, _) = shrunk.expect("it fails");
    for scenario in [&sighting.scenario, &shrunk.scenario] {
        let case = case_of(&world, failure.seed.0, scenario);
        let text = case.to_text();
        let read = Case::parse(&text).expect("it is a case");
        let known = read.check_answers(&model.answers());
        known.expect("they are those of the model");
        assert_eq!(read.bind(&world.air).ok().as_ref(), Some(scenario));
    }
    let case = case_of(&world, failure.seed.0, &shrunk.scenario).to_text();
    assert!(case.contains(r#""answer":"drop""#), "{case}");
    assert!(case.contains(r#""answer drop":"#), "{case}");
    for word in ["\"ok\"", "transient", "terminal"] {
        assert!(!case.contains(word), "{case}");
    }
}

/// A case with the answers of another world says where they are, and which there are here.
fn of_another_world() {
    let world = retry_world();
    let answers = models::of(world).answers();
    let with = |schedule: &str, mix: &str| {
        let empty = Scenario {
            requests: Vec::new(),
            plans: PlanMode::Answered,
            bounds: Bounds::default(),
            liveness: false,
            faults: None,
            schedule: Vec::new(),
        };
        let text = case_of(world, 1, &empty).to_text();
        let text = text.replace("\"schedule\": []", &format!("\"schedule\": [{schedule}]"));
        let mix = format!("\"found_by\": {{\"driver\":\"seed\",\"faults\":{{{mix}}},\"seed\":1}}");
        let text = text.replace("\"found_by\": {\"driver\":\"seed\",\"seed\":1}", &mix);
        let case = Case::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let checked = case.check_answers(&answers);
        checked.map_err(|error| error.to_string())
    };
    let step = r#"{"step":"WorkPlan","answer":"ok"}"#;
    let other = r#"{"answer":"Transient","step":"WorkPlan"}"#;
    let receipt = r#"{"receipt":"http.request","answer":"gut"}"#;
    assert_eq!(with(step, "\"ok\":3,\"silence\":1,\"drop\":2"), Ok(()));
    let found = [
        with(&format!("{step},{other}"), ""),
        with(receipt, ""),
        with("", "\"gut\":1"),
        with("", "\"answer drop\":1"),
    ];
    let found = found.map(|found| found.expect_err("it is of another world"));
    expect_test::expect![[r#"
        at `/schedule/1/answer`: no answer `Transient`: this world's work has ok, transient, terminal, silence
        at `/schedule/0/answer`: no answer `gut`: this world's work has ok, transient, terminal, silence
        at `/found_by/faults/gut`: no such fault, and no such answer: ok, transient, terminal, silence
        at `/found_by/faults/answer drop`: no such fault, and no such answer: ok, transient, terminal, silence"#]].assert_eq(&found.join("\n"));
}
