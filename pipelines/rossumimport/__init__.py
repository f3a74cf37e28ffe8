"""The configuration of a Rossum organization made into Waybill's: its hooks and queues as JSON become queues, schemas
and pipelines, with a report of what a person must look at (docs/rossum-import.md). Code is read, and never run."""
