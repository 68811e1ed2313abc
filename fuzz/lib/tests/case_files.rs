//! The target `case_files`: its seeds, its mutator, and that each of its checks can fail.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use sim::air::Air;
use sim::cases::Case;
use sim::scenario::PlanMode;
use sim_fuzz::case_files::{Ending, Subject, run, seeds, worlds};
use sim_fuzz::json::Layout;
use sim_fuzz::mutate_json::Mutator;

const CASE: &str = include_str!("../../../corpus/timers-out-of-order.json");

fn the_worlds() -> Vec<Air> {
    worlds().expect("they are worlds")
}

/// What does not hold of a case when the subject has a fault.
fn broken(data: &str, subject: Subject) -> String {
    let worlds = the_worlds();
    assert!(run(data.as_bytes(), &worlds, &Subject::SHIPPED).is_ok());
    let broken = run(data.as_bytes(), &worlds, &subject).expect_err("the fault is found");
    broken.to_string()
}

#[test]
fn seeds_pass() {
    let (seeds, worlds) = (seeds().expect("they can be read"), the_worlds());
    assert!(seeds.len() > 30, "{} seeds", seeds.len());
    for seed in &seeds {
        let ending = run(&seed.content, &worlds, &Subject::SHIPPED);
        let ending = ending.unwrap_or_else(|broken| panic!("{}: {broken:#}", seed.name));
        assert_eq!(ending, Ending::Bound, "{}", seed.name);
    }
}

#[test]
fn mutants_pass() {
    let (seeds, worlds) = (seeds().expect("they can be read"), the_worlds());
    let mutator = Mutator::of(&seeds);
    let mut counts = [0; 4];
    for seed in 1..4_000 {
        let data = &seeds[seed as usize % seeds.len()].content;
        let other = &seeds[seed as usize * 7 % seeds.len()].content;
        let made = match seed % 3 {
            0 => mutator.cross(data, other, seed, &mut flip),
            _ => mutator.mutate(data, seed, &mut flip),
        };
        let Some(made) = made else { continue };
        let ending = run(made.as_bytes(), &worlds, &Subject::SHIPPED);
        counts[ending.unwrap_or_else(|broken| panic!("{broken:#}\n{made}")) as usize] += 1;
    }
    let [not_json, refused, case, bound] = counts;
    assert_eq!(not_json, 0, "what is made of JSON is JSON");
    assert!(
        bound > 400 && case > 100,
        "{bound} bound, {case} cases, {refused} refused"
    );
}

/// Stands in for libFuzzer.
fn flip(bytes: &mut Vec<u8>) {
    match bytes.last_mut() {
        Some(last) => *last ^= 1,
        None => bytes.push(b'a'),
    }
}

#[test]
fn what_is_not_json_is_not_kept() {
    for (data, expected) in [
        (&b"\xff"[..], Ending::NotJson),
        (b"{", Ending::NotJson),
        (b"{}", Ending::Refused),
    ] {
        let ending = run(data, &the_worlds(), &Subject::SHIPPED);
        assert_eq!(ending.expect("it is refused"), expected);
    }
}

#[test]
fn a_case_of_another_world_is_a_case() {
    let text = CASE.replace("demo/RetryEvent@1", "demo/OtherEvent@1");
    let ending = run(text.as_bytes(), &the_worlds(), &Subject::SHIPPED);
    assert_eq!(ending.expect("it is a case"), Ending::Case);
}

#[test]
fn readers_that_are_moody_are_found() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    fn moody() -> String {
        CALLS.fetch_add(1, Relaxed).to_string()
    }
    let parse = Subject {
        parse: |text| Case::parse(&text.replace("sim-case/2", &moody())),
        ..Subject::SHIPPED
    };
    let newer = CASE.replace("sim-case/1", "sim-case/2");
    let found = broken(&newer, parse);
    assert!(found.starts_with("refused in two ways: Newer"), "{found}");
    let bind = Subject {
        bind: |case, air| {
            let text = case.to_text().replace("OtherEvent@1", &moody());
            Case::parse(&text)?.bind(air)
        },
        ..Subject::SHIPPED
    };
    let other = CASE.replace("demo/RetryEvent@1", "demo/OtherEvent@1");
    let found = broken(&other, bind);
    assert!(found.starts_with("refused in two ways: Content"), "{found}");
}

#[test]
fn texts_that_say_something_else_are_found() {
    let to_text = |to_text| Subject {
        to_text,
        ..Subject::SHIPPED
    };
    let lost = broken(
        CASE,
        to_text(|case| case.to_text().replace(",\"twice\":true", "")),
    );
    assert!(lost.starts_with("written again, it is another"), "{lost}");
    let no_case = broken(CASE, to_text(|case| case.to_text() + "}"));
    assert!(
        no_case.starts_with("written again, it is no case"),
        "{no_case}"
    );
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let moody = broken(
        CASE,
        to_text(|case| {
            let calls = CALLS.fetch_add(1, Relaxed) as usize;
            case.to_text() + &" ".repeat(calls)
        }),
    );
    assert!(moody.starts_with("written a third time"), "{moody}");
    let write = Subject {
        write: |tree, layout| match layout {
            Layout::Backwards => tree.write(layout).replace("\"r1\"", "\"r2\""),
            layout => tree.write(layout),
        },
        ..Subject::SHIPPED
    };
    let other = broken(CASE, write);
    assert!(
        other.starts_with("Backwards, it is another case"),
        "{other}"
    );
}

#[test]
fn scenarios_that_do_not_survive_are_found() {
    let new = Subject {
        new: |air, scenario, found| {
            let mut scenario = scenario.clone();
            scenario.plans = PlanMode::AsWritten;
            Case::new(air, &scenario, found)
        },
        ..Subject::SHIPPED
    };
    let other = broken(CASE, new);
    assert!(
        other.starts_with("its scenario, written, is another"),
        "{other}"
    );
}
