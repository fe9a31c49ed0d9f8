//! The acceptance suite's actors and stage: a local stack, people and strangers in front of it, and a look into tables and log.

mod browser;
mod dice;
mod incidents;
pub mod log;
pub mod runtime_api;
mod world;

pub use browser::Browser;
pub use dice::Dice;
pub use world::{Actor, Edit, Reply, World, WorldBuilder};
