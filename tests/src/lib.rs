//! The acceptance suite's actors and stage: a local stack, people and strangers in front of it, and a look into tables and log.

mod browser;
mod dice;
mod incidents;
pub mod log;
mod pool;
pub mod runtime_api;
mod world;

pub use browser::Browser;
pub use dice::Dice;
pub use pool::{Pool, PoolUser, Session, Signing, pool_event};
pub use world::{Actor, Edit, Reply, World, WorldBuilder, permissions};
