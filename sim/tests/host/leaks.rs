//! Reducers that never give memory back: what they answer is what they would if they did.

use libtest_mimic::Trial;
use sim::campaign::{self, CampaignOptions, Effort, Stop, Summary};
use sim::host::{Code, Limits, Output};
use sim::interrupt::Interrupt;
use sim::kernel::World;
use sim::models;
use sim::scenario::{Bounds, Mix, PlanMode};

use super::{INPUT, assemble, trial};
use crate::support::guest::built;
use crate::support::{documents, retry_world};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("leaks", "a_campaign_does_not_see_them", campaigns),
        trial("leaks", "renewed_while_little_is_lost", renewed_early),
        trial("leaks", "renewed_late_if_asked", renewed_late),
        trial("leaks", "much_memory_is_no_leak", much_memory),
    ]
}

/// A campaign in which nobody looks for leaks. It takes some 9,000 steps, each of them in the code
/// if none is remembered.
fn summary(world: &World, remember: bool) -> Summary {
    let model = models::of(world);
    let options = CampaignOptions {
        seeds: 0..512,
        jobs: 1,
        plans: PlanMode::Answered,
        bounds: Bounds::default(),
        mix: Mix::Swarm,
        effort: Effort::Plain,
        remember,
        twice: false,
        stop: Stop::AfterFailures(1),
        interrupt: Interrupt::default(),
    };
    campaign::run(world, &*model, &options, |_| {}).expect("there is room for instances")
}

/// The retry machine in another dress gives the same runs as the one that ships, to the byte,
/// whether it loses 540 bytes a step, 64 KiB, or nothing.
fn campaigns() {
    let expected = summary(retry_world(), true);
    assert_eq!((expected.seeds, expected.failures.len()), (512, 0));
    for flags in [&["--cfg=frugal"][..], &[], &["--cfg=fast"]] {
        let wasm = built("leaking", &[&["-O"], flags].concat());
        let code = Code::load(&wasm, Limits::default(), None).expect("it is a reducer");
        let world = World::new(documents("air"), vec![code]);
        for remember in [false, true] {
            assert_eq!(summary(&world, remember), expected, "{flags:?}, {remember}");
        }
    }
}

/// A guest that grows its memory by so many pages in each step that `when` says, of which its
/// steps are numbered from 1.
fn growing(pages: u32, when: &str) -> Code {
    let text = format!(
        r#"(module (memory (export "memory") 1) (global $steps (mut i32) (i32.const 0))
            (data (i32.const 64) "\a1\65state\41\01")
            (func (export "alloc") (param i32) (result i32) (i32.const 1024))
            (func (export "step") (param i32 i32) (result i32 i32)
                (global.set $steps (i32.add (global.get $steps) (i32.const 1)))
                (if {when} (then (drop (memory.grow (i32.const {pages})))))
                (i32.const 64) (i32.const 9)))"#
    );
    Code::load(&assemble(&text), Limits::default(), None).expect("the fixture is a reducer")
}

/// After which of so many steps the next one meets a fresh instance, and the most memory.
fn renewals(code: &Code, steps: usize, is_late: bool) -> (Vec<usize>, usize) {
    let (mut instance, mut output) = (code.instance().expect("fresh"), Output::default());
    instance.renew_late(is_late);
    let (mut renewed, mut most_bytes) = (Vec::new(), 0);
    for step in 0..steps {
        instance.step(&INPUT, &mut output).expect("it is answered");
        if step > 0 && instance.steps_since_renewal() == 1 {
            renewed.push(step);
        }
        most_bytes = most_bytes.max(instance.memory_bytes());
    }
    (renewed, most_bytes)
}

const ALWAYS: &str = "(i32.const 1)";

fn renewed_early() {
    // Nine pages are more than half a mebibyte.
    let (renewed, most_bytes) = renewals(&growing(1, ALWAYS), 40, false);
    assert_eq!(renewed, [9, 18, 27, 36]);
    assert_eq!(most_bytes, 10 << 16);
    // Less often than in every fourth step that grows, whatever it costs.
    let (renewed, _) = renewals(&growing(20, ALWAYS), 13, false);
    assert_eq!(renewed, [4, 8, 12]);
    let every_tenth = "(i32.eqz (i32.rem_u (global.get $steps) (i32.const 10)))";
    let (renewed, _) = renewals(&growing(20, every_tenth), 100, false);
    assert_eq!(renewed, [40, 80]);
}

/// Half of what it may have: 512 pages, which the 513th goes beyond.
fn renewed_late() {
    let (renewed, most_bytes) = renewals(&growing(1, ALWAYS), 1_100, true);
    assert_eq!(renewed, [513, 1026]);
    assert_eq!(most_bytes, 514 << 16);
}

/// It grows to 20 MiB and no further: if it were renewed it would have to do so again.
fn much_memory() {
    let thrice = "(i32.le_u (global.get $steps) (i32.const 3))";
    let (renewed, most_bytes) = renewals(&growing(107, thrice), 1_000, false);
    assert_eq!(renewed, [0_usize; 0]);
    assert_eq!(most_bytes, (1 + 3 * 107) << 16);
}
