//! The acceptance suite: promises kept through the public surface. Names lead with the requirement or case they prove.

mod bootstrap;
mod breach_check;
mod brute_force;
mod budgets;
mod dependencies;
mod enumeration;
mod guards;
mod import_django;
mod imports;
mod input;
mod known_devices;
mod limits;
mod local_stack;
mod login;
mod password_change;
mod password_change_faults;
mod password_rules;
mod passwords;
mod reset;
mod secrets;
mod sign_up;
mod simulation;
mod vectors;
mod web;
