//! Starts a runtime, gives it events, and looks at what it took.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use palisade_local::{Answered, RuntimeApi};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How long anything may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_mins(1);
/// What `/proc` counts processor time in: `USER_HZ`, 100 on every architecture that Lambda has.
const TICK: Duration = Duration::from_millis(10);

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Runtime {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// Its whole environment, beside what Lambda sets.
    pub(crate) variables: Vec<(String, String)>,
}

/// One process, over its life.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life {
    /// From its start to its first request for work.
    pub(crate) init: Duration,
    /// From the first event to its answer.
    pub(crate) first: Duration,
    /// The same of every further one.
    pub(crate) warm: Vec<Duration>,
    /// Processor time of the further ones, of all threads.
    pub(crate) processor: Duration,
    /// The most memory that was ever resident, in bytes.
    pub(crate) peak: u64,
    /// What all but the start printed, in bytes.
    pub(crate) printed: u64,
}

impl Runtime {
    /// Starts it, gives it `events` one after the other, and ends it. `expected` is part of every right answer.
    pub(crate) async fn live(&self, events: &[String], expected: &str) -> Result<Life, String> {
        let mut api = RuntimeApi::start().await.map_err(|error| error.to_string())?;
        let started = Instant::now();
        let mut child = self.spawn(api.address())?;
        let printed = Arc::new(AtomicU64::new(0));
        count(child.stdout.take(), &printed);
        count(child.stderr.take(), &printed);
        let asked = tokio::time::timeout(PATIENCE, api.asked()).await.ok().flatten();
        let asked = asked.ok_or_else(|| format!("{} does not ask for work", self.command.join(" ")))?;
        let mut life = Life { init: asked - started, ..Life::default() };
        let before = (processor(&child), printed.load(Ordering::Relaxed));
        let mut warm_from = before;
        for (n, event) in events.iter().enumerate() {
            let sent = Instant::now();
            let answered = tokio::time::timeout(PATIENCE, api.call(event.clone())).await.ok().flatten();
            let took = sent.elapsed();
            match answered {
                Some(Answered::Result(text)) if text.contains(expected) => (),
                other => return Err(format!("{}: {other:?} to event {n}", self.command.join(" "))),
            }
            if n == 0 {
                life.first = took;
                warm_from = (processor(&child), printed.load(Ordering::Relaxed));
            } else {
                life.warm.push(took);
            }
        }
        life.processor = processor(&child).saturating_sub(warm_from.0);
        life.peak = peak(&child);
        drop(child.kill().await);
        life.printed = printed.load(Ordering::Relaxed).saturating_sub(warm_from.1);
        Ok(life)
    }

    fn spawn(&self, api: &str) -> Result<Child, String> {
        let (program, arguments) = self.command.split_first().ok_or("no command")?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.variables.iter().cloned()).kill_on_drop(true);
        command.envs([
            ("AWS_LAMBDA_RUNTIME_API", api),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| format!("{program}: {error}"))
    }
}

/// Reads what comes out of `pipe` and counts it.
fn count(pipe: Option<impl AsyncRead + Unpin + Send + 'static>, into: &Arc<AtomicU64>) {
    let (Some(mut pipe), into) = (pipe, Arc::clone(into)) else { return };
    tokio::spawn(async move {
        let mut buffer = [0; 4_096];
        while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
            into.fetch_add(u64::try_from(read).unwrap_or_default(), Ordering::Relaxed);
        }
    });
}

/// Processor time so far, of all threads, to the tick.
fn processor(child: &Child) -> Duration {
    let fields = proc(child, "stat");
    // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th after it (proc_pid_stat(5)).
    let ticks = fields.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    TICK * ticks.filter_map(|ticks| ticks.parse::<u32>().ok()).sum()
}

/// The most memory so far, in bytes.
fn peak(child: &Child) -> u64 {
    let status = proc(child, "status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1_024
}

fn proc(child: &Child, file: &str) -> String {
    let id = child.id().unwrap_or_default().to_string();
    std::fs::read_to_string(Path::new("/proc").join(id).join(file)).unwrap_or_default()
}
