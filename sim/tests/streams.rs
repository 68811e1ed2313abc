//! Random numbers, and the mixes of faults that are drawn from them: the same for a seed for ever,
//! each component's its own, and never out of bounds.

use std::collections::BTreeSet;

use expect_test::expect;
use libtest_mimic::Trial;
use proptest::prelude::*;
use sim::kernel::adapters;
use sim::random::{Component, Ratio, Seed, Stream};
use sim::scenario::{Depth, Faults, Knob};

use crate::support::{property, trial};

const COMPONENTS: [Component; 7] = [
    Component::Requests,
    Component::Faults,
    Component::Chooser,
    Component::Samples,
    Component::Shrinker,
    Component::Depth,
    Component::SmallWorlds,
];

pub fn trials(seed: Option<u64>) -> Vec<Trial> {
    let seed = seed.unwrap_or(0);
    let drawn = |name: &str, test: fn(u64)| trial(format!("streams::{name}"), move || test(seed));
    vec![
        drawn("values_are_frozen", values_are_frozen),
        drawn("each_component_has_its_own", each_component_has_its_own),
        drawn("below_its_bound", below_its_bound),
        drawn("without_bias", without_bias),
        drawn("by_weight", by_weight),
        drawn("chances_of_none_and_all", chances_of_none_and_all),
        drawn("faults_are_frozen", faults_are_frozen),
        drawn("faults_are_a_seeds_own", faults_are_a_seeds_own),
        drawn("faults_have_limits", faults_have_limits),
        drawn("each_fault_is_off_in_half", each_fault_is_off_in_half),
        drawn("deep_runs_have_hardly_a_fault", deep_runs),
    ]
}

/// A seed that is kept means the same in every release.
fn values_are_frozen(_: u64) {
    let mut drawn = String::new();
    for component in COMPONENTS {
        let mut stream = Stream::new(Seed(42), component);
        let words = [stream.word(), stream.word()];
        let below = [6, 100, u32::MAX].map(|bound| stream.below(bound));
        drawn += &format!("{component:?} {words:x?} {below:?}\n");
    }
    expect![[r#"
        Requests [c6e08c69e84698be, 33b4ab7660156b49] [1, 63, 3114824463]
        Faults [3a28d9017e9804fd, 8afcf29595935bb3] [5, 55, 2637611560]
        Chooser [74ee5ce446465e4e, ac05b87a3d4a0cbe] [2, 87, 1308643840]
        Samples [c4a1977606a127c3, a8351a1568d9e815] [2, 78, 2620152724]
        Shrinker [73637951f6b79154, 87d7ab581dd8d785] [0, 62, 777607610]
        Depth [db69b89de4a6fad7, b1ca238001fc5e86] [4, 15, 4009158611]
        SmallWorlds [2f88af39a26c4769, 949274b8cf88bf9f] [2, 94, 1590375717]
    "#]]
    .assert_eq(&drawn);
}

fn each_component_has_its_own(seed: u64) {
    let words = |seed: u64, component| {
        let mut stream = Stream::new(Seed(seed), component);
        [stream.word(), stream.word(), stream.word()]
    };
    let seeds = [seed, seed.wrapping_add(1), !seed];
    let pairs = seeds
        .iter()
        .flat_map(|seed| COMPONENTS.map(|it| (*seed, it)));
    let all: BTreeSet<[u64; 3]> = pairs.map(|(seed, it)| words(seed, it)).collect();
    assert_eq!(all.len(), seeds.len() * COMPONENTS.len());
    for component in COMPONENTS {
        assert_eq!(words(seed, component), words(seed, component));
    }
}

fn below_its_bound(seed: u64) {
    let judge = |(seed, bound, size): (u64, u32, usize)| {
        let mut stream = Stream::new(Seed(seed), Component::Samples);
        let items: Vec<usize> = (0..size).collect();
        for _ in 0..8 {
            prop_assert!(stream.below(bound) < bound);
            let picked = stream.pick(&items).copied();
            prop_assert!(picked.map_or(size == 0, |item| item < size));
        }
        prop_assert_eq!(stream.below(1), 0);
        Ok(())
    };
    let bound = (any::<u32>(), 0..32_u32).prop_map(|(bound, shift)| (bound >> shift).max(1));
    property(seed, 256)
        .run(&(any::<u64>(), bound, 0..5_usize), judge)
        .expect("what is drawn is below its bound");
}

/// Each number comes as often as the others, give or take what chance gives or takes: six standard
/// deviations of a count.
fn without_bias(seed: u64) {
    const DRAWS: u32 = 30_000;
    for bound in [2, 3, 6, 10, 100] {
        let mut stream = Stream::new(Seed(seed), Component::Chooser);
        let mut counts = vec![0_u32; bound as usize];
        for _ in 0..DRAWS {
            counts[stream.below(bound) as usize] += 1;
        }
        assert_near(&counts, |_| (1, bound), DRAWS);
    }
}

fn by_weight(seed: u64) {
    const DRAWS: u32 = 30_000;
    let weights = [0, 1, 5, 0, 4];
    let mut stream = Stream::new(Seed(seed), Component::Chooser);
    let mut counts = vec![0_u32; weights.len()];
    for _ in 0..DRAWS {
        counts[stream.weighted(&weights).expect("some weigh something")] += 1;
    }
    assert_near(&counts, |index| (weights[index], 10), DRAWS);
    assert_eq!(stream.weighted(&[0, 0]), None);
    assert_eq!(stream.weighted(&[]), None);
    assert_eq!(stream.pick::<u8>(&[]), None);
}

/// Each count is its share of the draws, within six standard deviations.
fn assert_near(counts: &[u32], share: impl Fn(usize) -> (u32, u32), draws: u32) {
    assert_eq!(counts.iter().sum::<u32>(), draws);
    for (index, count) in counts.iter().enumerate() {
        let (numerator, denominator) = share(index);
        let expected = draws * numerator / denominator;
        let off = u64::from(count.abs_diff(expected));
        let variance = u64::from(expected) * u64::from(denominator - numerator);
        assert!(
            off * off * u64::from(denominator) <= 36 * variance,
            "{index} of {} came {count} times, and {expected} were expected",
            counts.len()
        );
    }
}

fn chances_of_none_and_all(seed: u64) {
    let mut stream = Stream::new(Seed(seed), Component::Faults);
    for _ in 0..1_000 {
        assert!(!stream.chance(Ratio::new(0, 1)));
        assert!(!stream.chance(Ratio::new(0, u32::MAX)));
        assert!(stream.chance(Ratio::new(1, 1)));
        assert!(stream.chance(Ratio::new(100, 100)));
    }
}

/// What is on in the mix of a seed, where work is answered as in most worlds.
fn mix(seed: u64, depth: Depth) -> Vec<(String, u32)> {
    drawn(seed, depth).on().collect()
}

fn drawn(seed: u64, depth: Depth) -> Faults {
    let mut stream = Stream::new(Seed(seed), Component::Faults);
    Faults::draw(&mut stream, depth, &adapters::answers())
}

fn faults_are_frozen(_: u64) {
    let mut drawn = String::new();
    for depth in [Depth::Usual, Depth::Deep, Depth::Deepest] {
        let mix = mix(42, depth);
        let mix: Vec<String> = mix
            .iter()
            .map(|(name, number)| format!("{name:?} {number}"))
            .collect();
        drawn += &format!("{depth:?}: {}\n", mix.join(", "));
    }
    expect![[r#"
        Usual: "ok" 5, "transient" 16, "terminal" 4, "silence" 4, "stray" 40, "duplicate" 5, "drop" 5, "redeliver" 5, "snapshot" 5, "timer_early" 40, "timer_late" 70, "timer_twice" 10, "timer_status" 40
        Deep: "transient" 100, "crash" 2
        Deepest: "transient" 100, "crash" 2
    "#]].assert_eq(&drawn);
}

fn faults_are_a_seeds_own(seed: u64) {
    let mixes: Vec<_> = (0..50)
        .map(|more| mix(seed.wrapping_add(more), Depth::Usual))
        .collect();
    let different: BTreeSet<String> = mixes.iter().map(|mix| format!("{mix:?}")).collect();
    assert_eq!(different.len(), mixes.len(), "each seed has its own");
    assert_eq!(mix(seed, Depth::Usual), mixes[0], "and has it again");
}

fn faults_have_limits(seed: u64) {
    for knob in Knob::ALL {
        let only = |number| Faults::of([(knob, number)], []);
        let most = only(Faults::MOST).expect("it is not too many");
        assert_eq!(
            most.on().collect::<Vec<_>>(),
            [(knob.name().to_owned(), Faults::MOST)]
        );
        assert_eq!(most.weight(knob), Faults::MOST);
        assert_eq!(only(Faults::MOST + 1), None, "{}", knob.name());
        // 100 % is always, and 0 % never.
        let mut stream = Stream::new(Seed(seed), Component::Faults);
        assert!((0..100).all(|_| stream.chance(most.ratio(knob))));
        let none = only(0).expect("it is not too many");
        assert_eq!(none.on().next(), None);
        assert!(!(0..100).any(|_| stream.chance(none.ratio(knob))));
    }
    for more in 0..200 {
        for depth in [Depth::Usual, Depth::Deep, Depth::Deepest] {
            let mix = mix(seed.wrapping_add(more), depth);
            assert!(mix.iter().all(|(_, number)| *number <= Faults::MOST));
            // What a case file keeps of it is all of it.
            let (knobs, answers): (Vec<_>, Vec<_>) = mix
                .into_iter()
                .partition(|(name, _)| Knob::named(name).is_some());
            let knobs = knobs.into_iter();
            let knobs = knobs.filter_map(|(name, number)| Some((Knob::named(&name)?, number)));
            let answers = answers.into_iter();
            let answers = answers.map(|(name, weight)| (name.into(), weight));
            let again = Faults::of(knobs, answers).expect("it is not too many");
            assert_eq!(again, drawn(seed.wrapping_add(more), depth));
        }
    }
}

/// Swarm testing: a kind of fault is off in half of the seeds or more, and no kind is off always.
fn each_fault_is_off_in_half(seed: u64) {
    const SEEDS: u64 = 400;
    let mixes: Vec<_> = (0..SEEDS)
        .map(|more| mix(seed.wrapping_add(more), Depth::Usual))
        .collect();
    let first = Knob::ALL.iter().position(|knob| *knob == Knob::Spurious);
    for knob in &Knob::ALL[first.expect("it is a knob")..] {
        let has = |mix: &&Vec<(String, u32)>| mix.iter().any(|(on, _)| on == knob.name());
        let on = mixes.iter().filter(has).count();
        // Half of them, and six standard deviations.
        assert!((1..=260).contains(&on), "{} is on in {on}", knob.name());
    }
}

/// At most one kind of fault beside errors that are transient, and nothing that ends a request.
fn deep_runs(seed: u64) {
    for more in 0..200 {
        let mix = mix(seed.wrapping_add(more), Depth::Deep);
        assert_eq!(mix.first(), Some(&("transient".to_owned(), 100)));
        assert!(mix.len() <= 2, "{mix:?}");
        let ends = ["ok", "terminal", "silence"];
        assert!(!mix.iter().any(|(name, _)| ends.contains(&&**name)));
    }
}
