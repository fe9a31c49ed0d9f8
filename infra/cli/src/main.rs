//! `palisade`: the operators' command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use indicatif::ProgressBar;
use palisade::dump;
use palisade::import_django::{self, Report};
use palisade_flows::environment;

/// Operates a Palisade deployment. Table names, keys, region, endpoint and credentials are read from the same variables as the functions
/// read them from.
#[derive(Parser)]
#[command(name = "palisade", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes accounts out of Django's users, who then sign in with the passwords they have.
    ///
    /// Can be started again at any time: accounts that are there already are left as they are.
    ImportDjango {
        /// What `manage.py dumpdata auth.user` wrote, optionally with a password history in it.
        dump: PathBuf,
        /// The user model.
        #[arg(long, default_value = "auth.user")]
        model: String,
        /// The model of old passwords: fields `user`, `password` and `created_at`.
        #[arg(long)]
        history_model: Option<String>,
        /// Where to write the report as JSON; standard output without it.
        #[arg(long)]
        report: Option<PathBuf>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::ImportDjango { dump, model, history_model, report } = Arguments::parse().command;
    match import_django(&dump, &model, history_model.as_deref(), report.as_deref()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(why) => {
            eprintln!("palisade: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every user could be asked for; a refused one is in the report, a failed one needs another start.
async fn import_django(dump: &Path, model: &str, history_model: Option<&str>, report_to: Option<&Path>) -> Result<bool, String> {
    let settings = environment::settings(import_django::TABLES).map_err(|error| error.to_string())?;
    let parts = environment::parts().map_err(|fault| fault.chain())?;
    let deps = import_django::Deps::new(&settings, &parts).map_err(|fault| fault.chain())?;
    let text = std::fs::read_to_string(dump).map_err(|error| format!("{}: {error}", dump.display()))?;
    let dump = dump::read(&text, model, history_model)?;
    let bar = ProgressBar::new(u64::try_from(dump.users.len()).unwrap_or(u64::MAX));
    let report = import_django::import(&deps, dump, parts.clock.now(), || bar.inc(1)).await;
    bar.finish_and_clear();
    tell(&report, report_to)?;
    Ok(report.failed.is_empty())
}

fn tell(report: &Report, to: Option<&Path>) -> Result<(), String> {
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    match to {
        None => println!("{json}"),
        Some(path) => {
            std::fs::write(path, json).map_err(|error| format!("{}: {error}", path.display()))?;
            let Report { imported, already_there, refused, failed } = report;
            println!(
                "{imported} imported, {already_there} there already, {} refused, {} failed: {}",
                refused.len(),
                failed.len(),
                path.display()
            );
        }
    }
    Ok(())
}
