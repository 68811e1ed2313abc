//! Reducers that never give memory back, and that take long: what renewing them late, pooling and
//! remembering do for them.
//!
//! The fixture `leaking` is the retry machine written without care, through a general codec; see
//! its own first lines for what `frugal`, `fast` and `slow` are.

use sim::host::{Code, Instance, Output};

use super::guest;
use super::rounds::{Contender, compare};
use super::subject::{Subject, load};

/// Whose steps are taken by themselves.
const SEEDS: u64 = 64;
const SEEDS_CAMPAIGN: u64 = 500;
const ROUNDS: usize = 9;

pub fn measure(retry: &Subject) {
    let inputs = retry.inputs(SEEDS);
    let losses = [
        ("nothing", "--cfg=frugal"),
        ("540 bytes", "--cfg=some"),
        ("64 KiB", "--cfg=fast"),
    ];
    println!(
        "a step by itself, which loses         steps/s   ns a step   of a fresh instance's rate"
    );
    for (loses, flag) in losses {
        let code = built(&[flag]);
        instances(loses, &code, &inputs);
    }
    println!();
    println!("a campaign, each step of which        steps/s   of every step taken");
    for (is, flags) in [
        ("is of the reducer that ships", None),
        ("loses 540 bytes", Some(["--cfg=some", "--cfg=some"])),
        ("loses 64 KiB", Some(["--cfg=fast", "--cfg=fast"])),
        (
            "loses 540 bytes, and takes long",
            Some(["--cfg=some", "--cfg=slow"]),
        ),
    ] {
        match flags {
            None => campaigns(is, retry),
            Some(flags) => campaigns(is, &Subject::with(built(&flags))),
        }
    }
}

fn instances(loses: &str, code: &Code, inputs: &[Vec<u8>]) {
    let used = |is_late: bool| {
        let mut instance = code.instance().expect("an instance can be made");
        instance.renew_late(is_late);
        move || take(&mut instance, inputs)
    };
    let contenders = vec![
        Contender::new("a fresh instance each time", || {
            let steps = inputs.iter().map(std::slice::from_ref);
            let fresh = || code.instance().expect("an instance can be made");
            steps.map(|step| take(&mut fresh(), step)).sum()
        }),
        Contender::new("renewed near the limit", used(true)),
        Contender::new("renewed early, as campaigns do", used(false)),
    ];
    let figures = compare(ROUNDS, contenders);
    for each in &figures {
        let name = format!("{loses}: {}", each.name);
        let (rate, ns) = (each.rate(), each.best_ns());
        let times = each.times(&figures[0]);
        println!("{name:<42} {rate:>9.0}   {ns:>9.0}   {times:>7.2}");
    }
}

fn campaigns(is: &str, subject: &Subject) {
    let campaign = |remember| move || subject.campaign(SEEDS_CAMPAIGN, 1, remember).steps;
    let contenders = vec![
        Contender::new("all taken", campaign(false)),
        Contender::new("remembered", campaign(true)),
    ];
    let figures = compare(ROUNDS, contenders);
    for each in &figures {
        let name = format!("{is}: {}", each.name);
        let (rate, times) = (each.rate(), each.times(&figures[0]));
        println!("{name:<48} {rate:>9.0}   {times:>7.2}");
    }
}

fn take(instance: &mut Instance, inputs: &[Vec<u8>]) -> u64 {
    let mut output = Output::default();
    for input in inputs {
        instance
            .step_encoded(input, &mut output)
            .expect("it is answered");
    }
    inputs.len() as u64
}

/// The fixture, with these flags of rustc.
fn built(flags: &[&str]) -> Code {
    load(&guest::built("leaking", &[&["-O"], flags].concat()))
}
