//! DynamoDB in process: dynoxide on a thread of its own, on a loopback port.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use dynoxide::Database;
use tokio::sync::oneshot;

use crate::clock::ManualClock;
use crate::stack::StackError;

/// A running emulator; it stops when dropped.
pub(crate) struct Emulator {
    pub(crate) url: String,
    database: Database,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// In memory, or in the file `db`; with the manual clock where there is one.
    pub(crate) fn start(port: u16, db: Option<&Path>, clock: Option<&ManualClock>) -> Result<Self, StackError> {
        let database = match (db, clock) {
            (Some(path), _) => Database::new(&path.to_string_lossy()),
            (None, Some(clock)) => Database::memory_with_clock(Arc::new(clock.clone())),
            (None, None) => Database::memory(),
        };
        let database = database.map_err(|error| StackError::new("the embedded DynamoDB does not open", &error))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .map_err(|error| StackError::new("the DynamoDB port is not free", &error))?;
        let bound = || {
            listener.set_nonblocking(true)?;
            listener.local_addr()
        };
        let address = bound().map_err(|error| StackError::new("the DynamoDB port cannot be used", &error))?;
        let (stop, stopped) = oneshot::channel();
        let served = database.clone();
        let thread = std::thread::Builder::new().name("dynamodb".into()).spawn(move || serve(listener, served, stopped));
        let thread = thread.map_err(|error| StackError::new("no thread for DynamoDB", &error))?;
        Ok(Self { url: format!("http://{address}"), database, stop: Some(stop), thread: Some(thread) })
    }

    /// Removes expired items, as DynamoDB does within days.
    pub(crate) fn sweep(&self) {
        if let Err(error) = self.database.sweep_ttl() {
            tracing::warn!(target: "palisade_local", %error, "the TTL sweep failed");
        }
    }

    /// Stops serving; with a file, returns once everything is written.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Not joined: the clients' idle connections may still be open.
        drop(self.stop.take());
    }
}

fn serve(listener: TcpListener, database: Database, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
            dynoxide::server::serve_with_shutdown(listener, database, async { drop(stopped.await) }).await
        })
    });
    if let Err(error) = served {
        tracing::error!(target: "palisade_local", error, "the embedded DynamoDB stopped");
    }
}
