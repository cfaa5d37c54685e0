/* The two directions of pond copy. */
#pragma once
#include "cli/commands.h"

Err *copy_out(Cli *cli, const Url *dest) WARN_UNUSED;
