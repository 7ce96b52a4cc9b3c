// What Swift cannot express, one header a topic.
#ifndef CMILLRACE_H
#define CMILLRACE_H

#include "millrace_checksum.h"
#include "millrace_crc32c.h"
#include "millrace_io_uring.h"
#include "millrace_system.h"

#endif
