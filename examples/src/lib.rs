//! The examples of Countersign: see the files beside this folder.
