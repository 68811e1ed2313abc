//! What a second thread gives, and the explorer.

use sim::explore::{self, ExploreOptions, Explored, Limits};

use super::rounds::{Contender, Figures, compare};
use super::subject::Subject;

const SEEDS: u64 = 10_000;
const ROUNDS: usize = 11;

pub fn measure(subject: &Subject) {
    println!("                                                    per second   of one job");
    let campaign =
        |name, jobs| Contender::new(name, move || subject.campaign(SEEDS, jobs, true).steps);
    let campaigns = vec![
        campaign("campaign, steps, `sim run --jobs 1`", 1),
        campaign("campaign, steps, `sim run --jobs 2`", 2),
    ];
    print(&compare(ROUNDS, campaigns));
    let explorer = |name, jobs| Contender::new(name, move || explored(subject, jobs).transitions);
    let explorers = vec![
        explorer("explorer, transitions, `--jobs 1`", 1),
        explorer("explorer, transitions, `--jobs 2`", 2),
    ];
    print(&compare(ROUNDS, explorers));
    let explored = explored(subject, 2);
    println!(
        "explorer: {} states, {} transitions, {:.0} bytes a state",
        explored.states,
        explored.transitions,
        explored.memory_bytes as f64 / explored.states as f64
    );
}

fn print(figures: &[Figures]) {
    for each in figures {
        let (rate, times) = (each.rate(), each.times(&figures[0]));
        println!("{:<51} {rate:>10.0}   {times:>10.2}", each.name);
    }
}

/// `sim explore --requests 2 --max-attempts 3 --duplicates 2`.
fn explored(subject: &Subject, jobs: usize) -> Explored {
    let small = retry_world::small(2, 3, 10);
    let options = ExploreOptions {
        jobs,
        memory_bytes: 4 << 30,
        symmetry: false,
        reduce: false,
        ..ExploreOptions::of(Limits {
            scene: subject.model.scene(&small),
            duplicates: 2,
            drops: 0,
            spurious: 0,
            crashes: 0,
            depth: 1_000,
        })
    };
    explore::run(&subject.world, &*subject.model, &options, |_| {})
        .expect("the world can be explored")
}
