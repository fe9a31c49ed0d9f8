//! What each function takes as it is deployed: `cargo run --release --bin palisade-bench`, after `cargo lambda build --release`.
//!
//! The built `bootstrap` runs under a Lambda Runtime API on loopback, with the embedded DynamoDB behind it: the time from the start of its process
//! to its first request for work, its first answer, a warm one, processor time, memory and log. In the same run, taking turns, a bare
//! `lambda_runtime` echo and one that hashes a password: the floors.

mod flows;
mod measured;
mod plot;
mod process;
mod report;

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use palisade_local::{Stack, message_pairs, settings_pairs};

use crate::flows::Flow;
use crate::measured::Measured;
use crate::process::{Life, Runtime};

/// The line of the bare echo.
const ECHO: &str = "echo";
/// The line of the echo that hashes.
const HASH: &str = "echo-hash";

/// Measures the functions as they are deployed.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; everything by default.
    #[arg(value_enum)]
    flows: Vec<Flow>,
    /// Where the functions are: `login/bootstrap` or `login` in it, and so on.
    #[arg(long, default_value = "target/lambda")]
    functions: PathBuf,
    /// How many processes of each.
    #[arg(long, default_value_t = 10)]
    processes: usize,
    /// How many warm calls of each in all; a tenth of them where passwords are hashed.
    #[arg(long, default_value_t = 2_000)]
    calls: usize,
    /// A runtime of somebody else's, to be given the same events: its command line. Its answers are not looked at.
    #[arg(long, value_name = "COMMAND")]
    compare: Option<String>,
    /// Where `results.csv` and `results.svg` go.
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    palisade_local::install_tls();
    let flows = if arguments.flows.is_empty() { Flow::value_variants() } else { &arguments.flows };
    let (mut floors, mut lines, mut bounds) = ([Vec::new(), Vec::new()], Vec::new(), Vec::new());
    for flow in flows {
        eprintln!("{}", flow.name());
        let (measured, beside) = measure(&arguments, *flow).await?;
        bounds.extend(report::bounds(&measured[0], &beside.each_ref().map(|lives| Measured::of("", "", lives))));
        lines.extend(measured);
        floors.iter_mut().zip(beside).for_each(|(all, beside)| all.extend(beside));
    }
    let floors = [ECHO, HASH].into_iter().zip(&floors).filter(|(_, lives)| !lives.is_empty());
    let floors = floors.map(|(name, lives)| Measured::of(name, "palisade-echo", lives));
    let all: Vec<Measured> = floors.chain(lines).collect();
    println!("{}\n{}", report::table(&all), bounds.join("\n"));
    if let Some(directory) = &arguments.save {
        report::save(&all, &directory.join("results.csv"))?;
        plot::draw(&all, &directory.join("results.svg"))?;
    }
    Ok(())
}

/// The processes of `flow`, and of whoever is compared; and, taking turns with them, those of both floors.
async fn measure(arguments: &Arguments, flow: Flow) -> Result<(Vec<Measured>, [Vec<Life>; 2]), Box<dyn Error>> {
    let calls = if flow.hashes() { arguments.calls / 10 } else { arguments.calls };
    let each = calls / arguments.processes + 1;
    let (stack, events) = flow.prepare(each * arguments.processes).await?;
    let variables = variables(&stack);
    let function = Runtime { command: vec![bootstrap(arguments, flow.function())], variables: variables.clone() };
    let compared = arguments.compare.as_ref().map(|command| Runtime {
        command: command.split_whitespace().map(str::to_owned).collect(),
        variables: variables.into_iter().chain(std::env::vars().filter(|(name, _)| name == "PATH")).collect(),
    });
    let (mut own, mut others, mut floors) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    for events in events.chunks(each) {
        floors[0].push(echo(&[]).live(events, "").await?);
        if flow.hashes() {
            floors[1].push(echo(&["hash"]).live(events, "").await?);
        }
        own.push(function.live(events, flow.expected()).await?);
        if let Some(compared) = &compared {
            others.push(compared.live(events, "").await?);
        }
    }
    stack.stop().await;
    let name = flow.name();
    let mut lines = vec![Measured::of(&name, flow.function(), &own)];
    if let Some(command) = &arguments.compare {
        lines.push(Measured::of(&format!("{name}, compared"), command, &others));
    }
    Ok((lines, floors))
}

/// The environment of a function that works on `stack`.
fn variables(stack: &Stack) -> Vec<(String, String)> {
    let webhook = format!("{}/hook", stack.webhooks().url);
    let mail = ("PALISADE_MAIL_FROM".to_owned(), "no-reply@example.com".to_owned());
    let overrides: Vec<_> = flows::settings().into_iter().chain([mail]).collect();
    let overrides = message_pairs(&stack.sns().url, &stack.ses().url, &webhook, &overrides);
    settings_pairs(stack.dynamodb(), Some(&stack.hibp().url), stack.table_prefix(), &overrides)
}

/// The echo, which is built beside this program.
fn echo(arguments: &[&str]) -> Runtime {
    let program = std::env::current_exe().unwrap_or_default().with_file_name("palisade-echo");
    let command = std::iter::once(program.display().to_string()).chain(arguments.iter().map(ToString::to_string));
    Runtime { command: command.collect(), variables: Vec::new() }
}

fn bootstrap(arguments: &Arguments, function: &str) -> String {
    let path = arguments.functions.join(function);
    let path = if path.is_dir() { path.join("bootstrap") } else { path };
    path.display().to_string()
}
