//! What `lockwatch status` costs, whole process, against `lslocks`, `fuser` and `lsof`: the `status` rows of the budgets.
//!
//! It prints one table, and ends with 1 where a budget is missed. `packaging/bench/status.sh` runs all of it;
//! `cargo bench -p lockwatch --bench status -- --help` names the options. Nothing is measured without the `--bench` that
//! `cargo bench` passes, so that a `cargo test` of all targets goes by at once.
//!
//! This program is its own load: started as `status helper …` it opens files and takes locks as told (see `helper.rs`).

mod helper;
mod linked;
mod load;
mod machine;
mod run;
mod samples;
mod table;

mod row1;
mod row2;
mod row3;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use self::load::Scene;
use self::run::Tool;
use self::table::Table;

/// Measures what `lockwatch status` costs.
///
/// It needs Linux, and a machine that does nothing else. The tools that lockwatch is compared with are measured where they
/// are installed: lslocks (util-linux), fuser (psmisc), lsof.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench -p lockwatch --bench status --", max_term_width = 100)]
struct Options {
    /// Fewer runs: for a first impression, in half a minute
    #[arg(long)]
    quick: bool,
    /// 1: against the other tools; 2: 5,000 processes against 100; 3: 1,000 waiters on one lock
    #[arg(long, value_delimiter = ',', default_value = "1,2,3", value_parser = clap::value_parser!(u8).range(1..=3))]
    rows: Vec<u8>,
    /// What `cargo bench` passes.
    #[arg(long, hide = true)]
    bench: bool,
    /// What a test runner may pass.
    #[arg(long, hide = true)]
    test: bool,
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
        return complain("the other tools and the load are those of Linux; nothing is measured here");
    }
    match measure(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => complain(&error.to_string()),
    }
}

fn complain(sentence: &str) -> ExitCode {
    // Where stderr is closed there is nobody left to tell.
    drop(writeln!(io::stderr().lock(), "status: {sentence}"));
    ExitCode::FAILURE
}

/// What is being done, for whoever sits in front of it.
fn progress(what: &str) {
    drop(writeln!(io::stderr().lock(), "status: {what}"));
}

/// Measures the rows that were asked for, prints the table, and says whether all budgets are met.
fn measure(options: &Options) -> io::Result<bool> {
    let scene = Scene::new()?;
    progress("builds lockwatch as a package for Linux has it");
    let as_built = Path::new(env!("CARGO_BIN_EXE_lockwatch"));
    let tool = |name, program: &Path| Tool::new(name, program, &scene).with_arguments(["status", "--json"]);
    let loaded = tool("  with the C library loaded", as_built);
    let linked = linked::build(as_built).map(|program| tool("lockwatch status --json", &program));
    let lockwatch = linked.as_ref().unwrap_or(&loaded);
    let (load_before, locks_before) = (machine::load_average(), machine::locks());
    let mut table = Table::default();
    for row in 1..=3 {
        if options.rows.contains(&row) {
            match row {
                1 => row1::measure(&scene, lockwatch, &loaded, options.quick, &mut table)?,
                2 => row2::measure(&scene, lockwatch, options.quick, &mut table)?,
                _ => row3::measure(&scene, lockwatch, options.quick, &mut table)?,
            }
        }
    }
    if let Err(why) = &linked {
        table.heading("lockwatch with the C library linked in; what is above was measured with it loaded".to_owned());
        table.not_measured("lockwatch status --json", why.clone());
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", machine::facts(&load_before, locks_before))?;
    write!(out, "{table}")?;
    Ok(table.meets_all())
}
