//! `palisade`: the operators' command.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use indicatif::ProgressBar;
use palisade::arguments::{Arguments, Command};
use palisade::import_django::{self, Report};
use palisade::operator::{self, Operator};
use palisade::{cognito, dump, run};
use palisade_flows::environment;

#[tokio::main]
async fn main() -> ExitCode {
    match carry_out(Arguments::parse().command).await {
        Ok(Done::Printed(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Done::Partly(text)) => {
            println!("{text}");
            ExitCode::from(2)
        }
        Err(why) => {
            eprintln!("palisade: {why}");
            ExitCode::FAILURE
        }
    }
}

enum Done {
    Printed(String),
    /// Something has to be started again.
    Partly(String),
}

async fn carry_out(command: Command) -> Result<Done, String> {
    match command {
        Command::Files(command) => run::on_files(command).map(Done::Printed),
        Command::ImportDjango { dump, model, history_model, report } => {
            let (text, complete) = import_django(&dump, &model, history_model.as_deref(), report.as_deref()).await?;
            Ok(if complete { Done::Printed(text) } else { Done::Partly(text) })
        }
        Command::Cognito { command } => {
            let parts = environment::parts().map_err(|fault| fault.chain())?;
            let endpoint = environment::user_pools_endpoint();
            cognito::run(command, &parts, endpoint.as_deref()).await.map(Done::Printed)
        }
        Command::Deployment(command) => {
            let settings = environment::settings(operator::TABLES).map_err(|error| error.to_string())?;
            let parts = environment::parts().map_err(|fault| fault.chain())?;
            let operator = Operator::new(&settings, &parts, who()).map_err(|fault| fault.chain())?;
            run::on_a_deployment(command, &operator).await.map(Done::Printed)
        }
    }
}

/// The name in the records: of whoever is logged in on this machine.
fn who() -> String {
    #[expect(clippy::disallowed_methods, reason = "an operators' tool, on a terminal")]
    let name = ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    name.unwrap_or_else(|| "unknown".to_owned())
}

/// What to print, and whether every user could be asked for; a refused one is in the report, a failed one needs another start.
async fn import_django(
    dump: &Path,
    model: &str,
    history_model: Option<&str>,
    report_to: Option<&Path>,
) -> Result<(String, bool), String> {
    let settings = environment::settings(import_django::TABLES).map_err(|error| error.to_string())?;
    let parts = environment::parts().map_err(|fault| fault.chain())?;
    let deps = import_django::Deps::new(&settings, &parts).map_err(|fault| fault.chain())?;
    let text = std::fs::read_to_string(dump).map_err(|error| format!("{}: {error}", dump.display()))?;
    let dump = dump::read(&text, model, history_model)?;
    let bar = ProgressBar::new(u64::try_from(dump.users.len()).unwrap_or(u64::MAX));
    let report = import_django::import(&deps, dump, parts.clock.now(), || bar.inc(1)).await;
    bar.finish_and_clear();
    Ok((told(&report, report_to)?, report.failed.is_empty()))
}

fn told(report: &Report, to: Option<&Path>) -> Result<String, String> {
    let json = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    let Some(path) = to else {
        return Ok(json);
    };
    std::fs::write(path, json).map_err(|error| format!("{}: {error}", path.display()))?;
    let Report { imported, already_there, refused, failed } = report;
    let (refused, failed) = (refused.len(), failed.len());
    Ok(format!("{imported} imported, {already_there} there already, {refused} refused, {failed} failed: {}", path.display()))
}
