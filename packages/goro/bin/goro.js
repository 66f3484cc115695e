#!/usr/bin/env node
import '@goro/cli'
