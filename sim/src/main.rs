//! The command `sim`.

fn main() -> sim::cli::Exit {
    sim::cli::main()
}
