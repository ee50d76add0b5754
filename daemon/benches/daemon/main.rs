//! What the daemon costs and how soon it tells: the budgets that are about it, each beside what a user would otherwise run.
//!
//! It prints one table, and ends with 1 where a budget is missed. `packaging/bench/daemon.sh` runs all of it;
//! `cargo bench -p lockwatch --bench daemon -- --help` names the options. Nothing is measured without the `--bench` that
//! `cargo bench` passes, so that a `cargo test` of all targets goes by at once.
//!
//! This program is its own load: started as `daemon helper …` it takes locks as told (see `helper.rs`).

mod cost;
mod daemon;
mod helper;
mod idle;
mod latency;
#[path = "../status/machine.rs"]
mod machine;
#[path = "../status/samples.rs"]
mod samples;
mod storm;
mod table;
mod under_load;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use self::table::Table;

/// Measures what the daemon costs and how soon it tells.
///
/// It needs Linux, and a machine that does nothing else.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench -p lockwatch --bench daemon --", max_term_width = 100)]
struct Options {
    /// Fewer runs and shorter ones: for a first impression, in some three minutes
    #[arg(long)]
    quick: bool,
    /// Which of them
    #[arg(long, value_delimiter = ',', default_value = "latency,idle,build,storm,waiters,cost")]
    rows: Vec<Row>,
    /// What `cargo bench` passes.
    #[arg(long, hide = true)]
    bench: bool,
    /// What a test runner may pass.
    #[arg(long, hide = true)]
    test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Row {
    /// From taking and releasing a lock to a subscriber, 1,000 times
    Latency,
    /// Ten minutes in which nothing happens
    Idle,
    /// A build of eight compilers among 5,000 other processes
    Build,
    /// 5,000 takes a second of one lock
    Storm,
    /// 1,000 waiters on one lock
    Waiters,
    /// What cargo takes with and without the daemon
    Cost,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "helper") {
        return helper::main(arguments);
    }
    let options = Options::parse();
    if options.test || !options.bench {
        return ExitCode::SUCCESS;
    }
    if std::env::consts::OS != "linux" {
        return complain("the load is one for Linux; nothing is measured here");
    }
    match measure(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => complain(&error.to_string()),
    }
}

fn complain(sentence: &str) -> ExitCode {
    // Where stderr is closed there is nobody left to tell.
    drop(writeln!(io::stderr().lock(), "daemon: {sentence}"));
    ExitCode::FAILURE
}

/// What is being done, for whoever sits in front of it.
fn progress(what: &str) {
    drop(writeln!(io::stderr().lock(), "daemon: {what}"));
}

/// Measures the rows that were asked for, prints the table, and says whether all budgets are met.
fn measure(options: &Options) -> io::Result<bool> {
    let (load_before, locks_before) = (machine::load_average(), machine::locks());
    let mut table = Table::default();
    for row in &options.rows {
        match row {
            Row::Latency => latency::measure(options.quick, &mut table)?,
            Row::Idle => idle::measure(options.quick, &mut table)?,
            Row::Build => under_load::build(options.quick, &mut table)?,
            Row::Storm => storm::measure(options.quick, &mut table)?,
            Row::Waiters => under_load::waiters(options.quick, &mut table)?,
            Row::Cost => cost::measure(options.quick, &mut table)?,
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", machine::facts(&load_before, locks_before))?;
    writeln!(out, "processes {}", machine::processes())?;
    write!(out, "{table}")?;
    Ok(table.meets_all())
}
